# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
# ruff: noqa: E501 - one test a line
"""The tests that SCS-0128 requires: facts, taken from the list in the standard's repository.

It is the part of OpenStack Powered Compute 2022.11, the guideline that RefStack tested for, that
needs no administrator. The guideline's own repository (openinfra/interop) was retired in September
2025; SCS-0128 was made to go on from there.
"""

from __future__ import annotations

SOURCE = "https://github.com/SovereignCloudStack/standards/blob/04af1f23be959f99f1fca2ec4eb0a4e37440a436/Tests/iaas/scs_0128_e2e_testing/tempest-tests-non-admin.lst"
VERSION = "04af1f23be959f99f1fca2ec4eb0a4e37440a436"
TESTS = """
tempest.api.compute.flavors.test_flavors.FlavorsV2TestJSON
  e36c0eaa-dff5-4082-ad1f-3f9a80aa3f59 test_list_flavors
  6e85fde4-b3cd-4137-ab72-ed5f418e8c24 test_list_flavors_with_detail
tempest.api.compute.images.test_images_oneserver.ImagesOneServerTestJSON
  3731d080-d4c5-4872-b41a-64d0d0021314 test_create_delete_image
  3b7c6fe4-dfe7-477c-9243-b06359db51e6 test_create_image_specify_multibyte_character_image_name
tempest.api.compute.keypairs.test_keypairs_v22.KeyPairsV22TestJSON
  89d59d43-f735-441a-abcf-0601727f47b6 test_keypairsv22_create_list_show_with_type
tempest.api.compute.security_groups.test_security_groups.SecurityGroupsTestJSON
  79517d60-535a-438f-af3d-e6feab1cbea7 test_list_security_groups_by_server
  ecc0da4a-2117-48af-91af-993cca39a615 test_security_group_create_get_delete
  eb2b087d-633d-4d0d-a7bd-9e6ba35b32de test_security_groups_create_list_delete
  fe4abc0d-83f5-4c50-ad11-57a1127297a2 test_server_security_groups
  7d4e1d3c-3209-4d6d-b020-986304ebad1f test_update_security_groups
tempest.api.compute.security_groups.test_security_groups_negative.SecurityGroupsNegativeTestJSON
  6727c00b-214c-4f9e-9a52-017ac3e98411 test_delete_nonexistent_security_group
  1438f330-8fa4-4aeb-8a94-37c250106d7f test_delete_security_group_without_passing_id
  36a1629f-c6da-4a26-b8b8-55e7e5d5cd58 test_delete_the_default_security_group
  673eaec1-9b3e-48ed-bdf1-2786c1b9661c test_security_group_get_nonexistent_group
  27edee9c-873d-4da6-a68a-3c256efebe8f test_update_non_existent_security_group
tempest.api.compute.servers.test_availability_zone.AZV2TestJSON
  a8333aa2-205c-449f-a828-d38c2489bf25 test_get_availability_zone_list_with_non_admin_user
tempest.api.compute.servers.test_create_server.ServersTestJSON
  ac1ad47f-984b-4441-9274-c9079b7a0666 test_host_name_is_same_as_server_name
  9a438d88-10c6-4bcd-8b5b-5b6e25e1346f test_list_servers
  585e934c-448e-43c4-acbf-d06a9b899997 test_list_servers_with_detail
  cbc0f52f-05aa-492b-bdc1-84b575ca294b test_verify_created_server_vcpus
  5de47127-9977-400a-936f-abcfbec1218f test_verify_server_details
tempest.api.compute.servers.test_delete_server.DeleteServersTestJSON
  925fdfb4-5b13-47ea-ac8a-c36ae6fddb05 test_delete_active_server
tempest.api.compute.servers.test_instance_actions.InstanceActionsTestJSON
  aacc71ca-1d70-4aa5-bbf6-0ff71470e43c test_get_instance_action
  77ca5cc5-9990-45e0-ab98-1de8fead201a test_list_instance_actions
tempest.api.compute.servers.test_list_server_filters.ListServerFiltersTestJSON
  80c574cc-0925-44ba-8602-299028357dd9 test_list_servers_detailed_filter_by_flavor
  b3304c3b-97df-46d2-8cd3-e2b6659724e7 test_list_servers_detailed_filter_by_image
  f9eb2b70-735f-416c-b260-9914ac6181e4 test_list_servers_detailed_filter_by_server_name
  de2612ab-b7dd-4044-b0b1-d2539601911f test_list_servers_detailed_filter_by_server_status
  67aec2d0-35fe-4503-9f92-f13272b867ed test_list_servers_detailed_limit_results
  ca78e20e-fddb-4ce6-b7f7-bcbf8605e66e test_list_servers_filter_by_active_status
  573637f5-7325-47bb-9144-3476d0416908 test_list_servers_filter_by_flavor
  05e8a8e7-9659-459a-989d-92c2f501f4ba test_list_servers_filter_by_image
  614cdfc1-d557-4bac-915b-3e67b48eee76 test_list_servers_filter_by_limit
  9b067a7b-7fee-4f6a-b29c-be43fe18fc5a test_list_servers_filter_by_server_name
  43a1242e-7b31-48d1-88f2-3f72aa9f2077 test_list_servers_filtered_by_ip
  a905e287-c35e-42f2-b132-d02b09f3654a test_list_servers_filtered_by_ip_regex
  e9f624ee-92af-4562-8bec-437945a18dcb test_list_servers_filtered_by_name_wildcard
tempest.api.compute.servers.test_list_servers_negative.ListServersNegativeTestJSON
  74745ad8-b346-45b5-b9b8-509d7447fc1f test_list_servers_by_changes_since_future_date
  87d12517-e20a-4c9c-97b6-dd1628d6d6c9 test_list_servers_by_changes_since_invalid_date
  d47c17fb-eebd-4287-8e95-f20a7e627b18 test_list_servers_by_limits_greater_than_actual_count
  62610dd9-4713-4ee0-8beb-fd2c1aa7f950 test_list_servers_by_limits_pass_negative_value
  679bc053-5e70-4514-9800-3dfab1a380a6 test_list_servers_by_limits_pass_string
  5913660b-223b-44d4-a651-a0fbfd44ca75 test_list_servers_by_non_existing_flavor
  ff01387d-c7ad-47b4-ae9e-64fa214638fe test_list_servers_by_non_existing_image
  e2c77c4a-000a-4af3-a0bd-629a328bde7c test_list_servers_by_non_existing_server_name
  93055106-2d34-46fe-af68-d9ddbf7ee570 test_list_servers_detail_server_is_deleted
  fcdf192d-0f74-4d89-911f-1ec002b822c4 test_list_servers_status_non_existing
  24a26f1a-1ddc-4eea-b0d7-a90cc874ad8f test_list_servers_with_a_deleted_server
tempest.api.compute.servers.test_multiple_create.MultipleCreateTestJSON
  61e03386-89c3-449c-9bb1-a06f423fd9d1 test_multiple_create
tempest.api.compute.servers.test_server_actions.ServerActionsTestJSON
  80a8094c-211e-440a-ab88-9e59d556c7ee test_lock_unlock_server
  2cb1baf6-ac8d-4429-bf0d-ba8a0ba53e32 test_reboot_server_hard
  aaa6cdf3-55a7-461a-add9-1c8596b9a07c test_rebuild_server
  1499262a-9328-4eda-9068-db1ac57498d2 test_resize_server_confirm
  c03aab19-adb1-44f5-917d-c419577e9e68 test_resize_server_revert
  af8eafd4-38a7-4a4b-bdbc-75145a580560 test_stop_start_server
tempest.api.compute.servers.test_server_tags.ServerTagsTestJSON
  81279a66-61c3-4759-b830-a2dbe64cbe08 test_check_tag_existence
  8d95abe2-c658-4c42-9a44-c0258500306b test_create_delete_tag
  a63b2a74-e918-4b7c-bcab-10c855f3a57e test_delete_all_tags
  a2c1af8c-127d-417d-974b-8115f7e3d831 test_update_all_tags
tempest.api.compute.servers.test_servers.ServersTestJSON
  b92d5ec7-b1dd-44a2-87e4-45e888c46ef0 test_create_server_with_admin_password
  f9e15296-d7f9-4e62-b53f-a04e89160833 test_create_specify_keypair
  8fea6be7-065e-47cf-89b8-496e6f96c699 test_create_with_existing_server_name
  89b90870-bc13-4b73-96af-f9d4f2b70077 test_update_access_server_address
  5e6ccff8-349d-4852-a8b3-055df7988dd2 test_update_server_name
tempest.api.compute.servers.test_servers_negative.ServersNegativeTestJSON
  fd57f159-68d6-4c2a-902b-03070828a87e test_create_numeric_server_name
  7fc74810-0bd2-4cd7-8244-4f33a9db865a test_create_server_metadata_exceeds_length_limit
  c3e0fb12-07fc-4d76-a22e-37409887afe8 test_create_server_name_length_exceeds_256
  18f5227f-d155-4429-807c-ccb103887537 test_create_with_invalid_flavor
  fcba1052-0a50-4cf3-b1ac-fae241edf02f test_create_with_invalid_image
  4e72dc2d-44c5-4336-9667-f7972e95c402 test_create_with_invalid_network_uuid
  f4d7279b-5fd2-4bf2-9ba4-ae35df0d18c5 test_delete_server_pass_id_exceeding_length_limit
  75f79124-277c-45e6-a373-a1d6803f4cc4 test_delete_server_pass_negative_id
  3436b02f-1b1e-4f03-881e-c6a602327439 test_get_non_existent_server
  5226dd80-1e9c-4d8a-b5f9-b26ca4763fd0 test_invalid_ip_v6_address
  d4c023a0-9c55-4747-9dd5-413b820143c7 test_reboot_non_existent_server
  98fa0458-1485-440f-873b-fe7f0d714930 test_rebuild_deleted_server
  d86141a7-906e-4731-b187-d64a2ea61422 test_rebuild_non_existent_server
  ced1a1d7-2ab6-45c9-b90f-b27d87b30efd test_resize_server_with_non_existent_flavor
  45436a7d-a388-4a35-a9d8-3adc5d0d940b test_resize_server_with_null_flavor
  dbbfd247-c40c-449e-8f6c-d2aa7c7da7cf test_server_name_blank
  a31460a9-49e1-42aa-82ee-06e0bb7c2d03 test_stop_non_existent_server
  aa8eed43-e2cb-4ebf-930b-da14f6a21d81 test_update_name_of_non_existent_server
  5c8e244c-dada-4590-9944-749c455b431f test_update_server_name_length_exceeds_256
  38204696-17c6-44da-9590-40f87fb5a899 test_update_server_set_empty_name
tempest.api.compute.test_quotas.QuotasTestJSON
  9bfecac7-b966-4f47-913f-1a9e2c12134a test_get_default_quotas
  f1ef0a97-dbbb-4cca-adc5-c9fbc4f76107 test_get_quotas
tempest.api.compute.test_versions.TestVersions
  6c0a0990-43b6-4529-9b61-5fd8daf7c55c test_list_api_versions
tempest.api.compute.volumes.test_attach_volume.AttachVolumeTestJSON
  52e9045a-e90d-4c0d-9087-79d657faffff test_attach_detach_volume
  7fa563fe-f0f7-43eb-9e22-a1ece036b513 test_list_get_volume_attachments
tempest.api.identity.v3.test_api_discovery.TestApiDiscovery
  657c1970-4722-4189-8831-7325f3bc4265 test_api_media_types
  b9232f5e-d9e5-4d97-b96c-28d3db4de1bd test_api_version_resources
  8879a470-abfb-47bb-bb8d-5a7fd279ad1e test_api_version_statuses
  721f480f-35b6-46c7-846e-047e6acea0dc test_list_api_versions
tempest.api.identity.v3.test_application_credentials.ApplicationCredentialsV3Test
  8080c75c-eddc-4786-941a-c2da7039ae61 test_create_application_credential
  852daf0c-42b5-4239-8466-d193d0543ed3 test_create_application_credential_expires
  ff0cd457-6224-46e7-b79e-0ada4964a8a6 test_list_application_credentials
  9bb5e5cc-5250-493a-8869-8b665f6aa5f6 test_query_application_credentials
tempest.api.identity.v3.test_catalog.IdentityCatalogTest
  56b57ced-22b8-4127-9b8a-565dfb0207e2 test_catalog_standardization
tempest.api.identity.v3.test_domains.DefaultDomainTestJSON
  17a5de24-e6a0-4e4a-a9ee-d85b6e5612b5 test_default_domain_exists
tempest.api.identity.v3.test_projects.IdentityV3ProjectsTest
  86128d46-e170-4644-866a-cc487f699e1d test_list_projects_returns_only_authorized_projects
tempest.api.identity.v3.test_tokens.TokensV3Test
  6f8e4436-fc96-4282-8122-e41df57197a9 test_create_token
  0f9f5a5f-d5cd-4a86-8a5b-c5ded151f212 test_token_auth_creation_existence_deletion
  a9512ac3-3909-48a4-b395-11f438e16260 test_validate_token
tempest.api.identity.v3.test_users.IdentityV3UsersTest
  941784ee-5342-4571-959b-b80dd2cea516 test_password_history_check_self_service_api
  ad71bd23-12ad-426b-bb8b-195d2b635f27 test_user_update_own_password
tempest.api.image.v2.test_images.BasicOperationsImagesTest
  f848bb94-1c6e-45a4-8726-39e3a5b23535 test_delete_image
  139b765e-7f3d-4b3d-8b37-3ca3876ee318 test_register_upload_get_image_file
  f66891a7-a35c-41a8-b590-a065c2a1caa6 test_update_image
tempest.api.image.v2.test_images.ListUserImagesTest
  622b925c-479f-4736-860d-adeaf13bc371 test_get_image_schema
  25c8d7b2-df21-460f-87ac-93130bcdc684 test_get_images_schema
  9959ca1d-1aa7-4b7a-a1ea-0fff0499b37e test_list_images_param_container_format
  4a4735a7-f22f-49b6-b0d9-66e1ef7453eb test_list_images_param_disk_format
  e914a891-3cc8-4b40-ad32-e0a39ffbddbb test_list_images_param_limit
  4ad8c157-971a-4ba8-aa84-ed61154b1e7f test_list_images_param_min_max_size
  cf1b9a48-8340-480e-af7b-fe7e17690876 test_list_images_param_size
  7fc9e369-0f58-4d05-9aa5-0969e2d59d15 test_list_images_param_status
  7a95bb92-d99e-4b12-9718-7bc6ab73e6d2 test_list_images_param_visibility
  1e341d7a-90a9-494c-b143-2cdf2aeb6aee test_list_no_params
tempest.api.image.v2.test_images_negative.ImagesNegativeTest
  32248db1-ab88-4821-9604-c7c369f1f88c test_delete_image_null_id
  6fe40f1c-57bd-4918-89cc-8500f850f3de test_delete_non_existing_image
  e57fc127-7ba0-4693-92d7-1d8a05ebcba9 test_get_delete_deleted_image
  ef45000d-0a72-4781-866d-4cb7bf2562ad test_get_image_null_id
  668743d5-08ad-4480-b2b8-15da34f81d9f test_get_non_existent_image
  292bd310-369b-41c7-a7a3-10276ef76753 test_register_with_invalid_container_format
  70c6040c-5a97-4111-9e13-e73665264ce1 test_register_with_invalid_disk_format
tempest.api.image.v2.test_images_tags.ImagesTagsTest
  10407036-6059-4f95-a2cd-cbbbee7ed329 test_update_delete_tags_for_image
tempest.api.image.v2.test_images_tags_negative.ImagesTagsNegativeTest
  39c023a2-325a-433a-9eea-649bf1414b19 test_delete_non_existing_tag
  8cd30f82-6f9a-4c6e-8034-c1b51fba43d9 test_update_tags_for_non_existing_image
tempest.api.network.test_dhcp_ipv6.NetworksTestDHCPv6
  4ab211a0-276f-4552-9070-51e27f58fecf test_dhcp_stateful
  51a5e97f-f02e-4e4e-9a17-a69811d300e3 test_dhcp_stateful_fixedips
  57b8302b-cba9-4fbb-8835-9168df029051 test_dhcp_stateful_fixedips_duplicate
  98244d88-d990-4570-91d4-6b25d70d08af test_dhcp_stateful_fixedips_outrange
  e98f65db-68f4-4330-9fea-abd8c5192d4d test_dhcp_stateful_router
  4256c61d-c538-41ea-9147-3c450c36669e test_dhcpv6_64_subnets
  81f18ef6-95b5-4584-9966-10d480b7496a test_dhcpv6_invalid_options
  e5517e62-6f16-430d-a672-f80875493d4c test_dhcpv6_stateless_eui64
  ae2f4a5d-03ff-4c42-a3b0-ce2fcb7ea832 test_dhcpv6_stateless_no_ra
  21635b6f-165a-4d42-bf49-7d195e47342f test_dhcpv6_stateless_no_ra_no_dhcp
  4544adf7-bb5f-4bdc-b769-b3e77026cef2 test_dhcpv6_two_subnets
tempest.api.network.test_floating_ips.FloatingIPTestJSON
  36de4bd0-f09c-43e3-a8e1-1decc1ffd3a5 test_create_floating_ip_specifying_a_fixed_ip_address
  45c4c683-ea97-41ef-9c51-5e9802f2f3d7 test_create_update_floatingip_with_port_multiple_ip_address
  e1f6bffd-442f-4668-b30e-df13f2705e77 test_floating_ip_delete_port
  1bb2f731-fe5a-4b8c-8409-799ade1bed4d test_floating_ip_update_different_router
tempest.api.network.test_floating_ips_negative.FloatingIPNegativeTestJSON
  6b3b8797-6d43-4191-985c-c48b773eb429 test_associate_floatingip_port_ext_net_unreachable
  50b9aeb4-9f0b-48ee-aa31-fa955a48ff54 test_create_floatingip_in_private_network
  22996ea8-4a81-4b27-b6e1-fa5df92fa5e8 test_create_floatingip_with_port_ext_net_unreachable
tempest.api.network.test_networks.NetworksTest
  a4d9ec4c-0306-4111-a75c-db01a709030b test_create_delete_subnet_all_attributes
  bec949c4-3147-4ba6-af5f-cd2306118404 test_create_delete_subnet_with_allocation_pools
  94ce038d-ff0a-4a4c-a56b-09da3ca0b55d test_create_delete_subnet_with_dhcp_enabled
  9393b468-186d-496d-aa36-732348cd76e7 test_create_delete_subnet_with_gw
  8217a149-0c6c-4cfb-93db-0486f707d13f test_create_delete_subnet_with_gw_and_allocation_pools
  d830de0a-be47-468f-8f02-1fd996118289 test_create_delete_subnet_with_host_routes_and_dns_nameservers
  d2d596e2-8e76-47a9-ac51-d4648009f4d3 test_create_delete_subnet_without_gateway
  0e269138-0da6-4efc-a46d-578161e7b221 test_create_update_delete_network_subnet
  f04f61a9-b7f3-4194-90b2-9bcf660d1bfe test_delete_network_with_subnet
  f7ffdeda-e200-4a7a-bcbe-05716e86bf43 test_list_networks
  6ae6d24f-9194-4869-9c85-c313cb20e080 test_list_networks_fields
  db68ba48-f4ea-49e9-81d1-e367f6d0b20a test_list_subnets
  842589e3-9663-46b0-85e4-7f01273b0412 test_list_subnets_fields
  2bf13842-c93f-4a69-83ed-717d2ec3b44e test_show_network
  867819bb-c4b6-45f7-acf9-90edcf70aa5e test_show_network_fields
  bd635d81-6030-4dd1-b3b9-31ba0cfdf6cc test_show_subnet
  270fff0b-8bfc-411f-a184-1e8fd35286f0 test_show_subnet_fields
  3d3852eb-3009-49ec-97ac-5ce83b73010a test_update_subnet_gw_dns_host_routes_dhcp
tempest.api.network.test_ports.PortsTestJSON
  67f1b811-f8db-43e2-86bd-72c074d4a42c test_create_bulk_port
  0435f278-40ae-48cb-a404-b8a087bc09b1 test_create_port_in_allowed_allocation_pools
  c72c1c0c-2193-4aca-aaa4-b1442640f51c test_create_update_delete_port
  cf95b358-3e92-4a29-a148-52445e1ac50e test_list_ports
  ff7f117f-f034-4e0e-abff-ccef05c454b4 test_list_ports_fields
  c9a685bd-e83f-499c-939f-9f7863ca259f test_show_port
  45fcdaf2-dab0-4c13-ac6c-fcddfb579dbd test_show_port_fields
  58091b66-4ff4-4cc1-a549-05d60c7acd1a test_update_port_with_security_group_and_extra_attributes
  edf6766d-3d40-4621-bc6e-2521a44c257d test_update_port_with_two_security_groups_and_extra_attributes
tempest.api.network.test_security_groups.SecGroupTest
  bfd128e5-3c92-44b6-9d66-7fe29d22c802 test_create_list_update_show_delete_security_group
  87dfbcf9-1849-43ea-b1e4-efa3eeae9f71 test_create_security_group_rule_with_additional_args
  c9463db8-b44d-4f52-b6c0-8dbda99f26ce test_create_security_group_rule_with_icmp_type_code
  0a307599-6655-4220-bebc-fd70c64f2290 test_create_security_group_rule_with_protocol_integer_value
  c2ed2deb-7a0c-44d8-8b4c-a5825b5c310b test_create_security_group_rule_with_remote_group_id
  16459776-5da2-4634-bce4-4b55ee3ec188 test_create_security_group_rule_with_remote_ip_prefix
  cfb99e0e-7410-4a3d-8a0c-959a63ee77e9 test_create_show_delete_security_group_rule
  e30abd17-fef9-4739-8617-dc26da88e686 test_list_security_groups
tempest.api.network.test_security_groups_negative.NegativeSecGroupTest
  2323061e-9fbf-4eb0-b547-7e8fafc90849 test_create_additional_default_security_group_fails
  8fde898f-ce88-493b-adc9-4e4692879fc5 test_create_duplicate_security_group_rule_fails
  5666968c-fff3-40d6-9efc-df1c8bd01abb test_create_security_group_rule_with_bad_ethertype
  981bdc22-ce48-41ed-900a-73148b583958 test_create_security_group_rule_with_bad_protocol
  5f8daf69-3c5f-4aaa-88c9-db1d66f68679 test_create_security_group_rule_with_bad_remote_ip_prefix
  0d9c7791-f2ad-4e2f-ac73-abf2373b0d2d test_create_security_group_rule_with_invalid_ports
  4bf786fd-2f02-443c-9716-5b98e159a49a test_create_security_group_rule_with_non_existent_remote_groupid
  be308db6-a7cf-4d5c-9baf-71bafd73f35e test_create_security_group_rule_with_non_existent_security_group
  1f1bb89d-5664-4956-9fcd-83ee0fa603df test_delete_non_existent_security_group
  424fd5c3-9ddc-486a-b45f-39bf0c820fc6 test_show_non_existent_security_group
  4c094c09-000b-4e41-8100-9617600c02a6 test_show_non_existent_security_group_rule
tempest.api.network.test_subnetpools_extensions.SubnetPoolsTestJSON
  62595970-ab1c-4b7f-8fcc-fddfe55e9811 test_create_list_show_update_delete_subnetpools
tempest.api.network.test_versions.NetworksApiDiscovery
  cac8a836-c2e0-4304-b556-cd299c7281d1 test_api_version_resources
tempest.api.volume.test_availability_zone.AvailabilityZoneTestJSON
  01f1ae88-eba9-4c6b-a011-6f7ace06b725 test_get_availability_zone_list
tempest.api.volume.test_extensions.ExtensionsTestJSON
  94607eb0-43a5-47ca-82aa-736b41bd2e2c test_list_extensions
tempest.api.volume.test_snapshot_metadata.SnapshotMetadataTestJSON
  a2f20f99-e363-4584-be97-bc33afb1a56c test_crud_snapshot_metadata
  e8ff85c5-8f97-477f-806a-3ac364a949ed test_update_show_snapshot_metadata_item
tempest.api.volume.test_versions.VersionsTest
  77838fc4-b49b-4c64-9533-166762517369 test_list_versions
tempest.api.volume.test_volume_metadata.VolumesMetadataTest
  6f5b125b-f664-44bf-910f-751591fe5769 test_crud_volume_metadata
  862261c5-8df4-475a-8c21-946e50e36a20 test_update_show_volume_metadata_item
tempest.api.volume.test_volumes_actions.VolumesActionsTest
  63e21b4c-0a0c-41f6-bfc3-7c2816815599 test_volume_bootable
  fff74e1e-5bd3-4b33-9ea9-24c103bc3f59 test_volume_readonly_update
  d8f1ca95-3d5b-44a3-b8ca-909691c9532d test_volume_upload
tempest.api.volume.test_volumes_get.VolumesGetTest
  27fb0e9f-fb64-41dd-8bdb-1ffa762f0d51 test_volume_create_get_update_delete
  3f591b4a-7dc6-444c-bd51-77469506b3a1 test_volume_create_get_update_delete_as_clone
  54a01030-c7fc-447c-86ee-c1182beae638 test_volume_create_get_update_delete_from_image
tempest.api.volume.test_volumes_list.VolumesListTestJSON
  0b6ddd39-b948-471f-8038-4787978747c4 test_volume_list
  a28e8da4-0b56-472f-87a8-0f4d3f819c02 test_volume_list_by_name
  2de3a6d4-12aa-403b-a8f2-fdeb42a89623 test_volume_list_details_by_name
  e9138a2c-f67b-4796-8efa-635c196d01de test_volume_list_details_pagination
  2a7064eb-b9c3-429b-b888-33928fc5edd3 test_volume_list_details_with_multiple_params
  af55e775-8e4b-4feb-8719-215c43b0238c test_volume_list_pagination
  777c87c1-2fc4-4883-8b8e-5c0b951d1ec8 test_volume_list_param_display_name_and_status
  856ab8ca-6009-4c37-b691-be1065528ad4 test_volume_list_with_detail_param_display_name_and_status
  1ca92d3c-4a8e-4b43-93f5-e4c7fb3b291d test_volume_list_with_detail_param_metadata
  adcbb5a7-5ad8-4b61-bd10-5380e111a877 test_volume_list_with_details
  b5ebea1b-0603-40a0-bb41-15fcd0a53214 test_volume_list_with_param_metadata
  c0cfa863-3020-40d7-b587-e35f597d5d87 test_volumes_list_by_availability_zone
  39654e13-734c-4dab-95ce-7613bf8407ce test_volumes_list_by_status
  e1b80d13-94f0-4ba2-a40e-386af29f8db1 test_volumes_list_details_by_availability_zone
  2943f712-71ec-482a-bf49-d5ca06216b9f test_volumes_list_details_by_status
tempest.api.volume.test_volumes_negative.VolumesNegativeTest
  1ed83a8a-682d-4dfb-a30e-ee63ffd6c049 test_create_volume_with_invalid_size
  0c36f6ae-4604-4017-b0a9-34fdc63096f9 test_create_volume_with_nonexistent_snapshot_id
  47c73e08-4be8-45bb-bfdf-0c4e79b88344 test_create_volume_with_nonexistent_source_volid
  10254ed8-3849-454e-862e-3ab8e6aa01d2 test_create_volume_with_nonexistent_volume_type
  8b472729-9eba-446e-a83b-916bdb34bef7 test_create_volume_with_size_negative
  41331caa-eaf4-4001-869d-bc18c1869360 test_create_volume_with_size_zero
  9387686f-334f-4d31-a439-33494b9e2683 test_create_volume_without_passing_size
  1f035827-7c32-4019-9240-b4ec2dbd9dfd test_delete_invalid_volume_id
  441a1550-5d44-4b30-af0f-a6d402f52026 test_delete_volume_without_passing_volume_id
  30799cfd-7ee4-446c-b66c-45b383ed211b test_get_invalid_volume_id
  c6c3db06-29ad-4e91-beb0-2ab195fe49e3 test_get_volume_without_passing_volume_id
  ba94b27b-be3f-496c-a00e-0283b373fa75 test_list_volumes_detail_with_invalid_status
  9ca17820-a0e7-4cbd-a7fa-f4468735e359 test_list_volumes_detail_with_nonexistent_name
  143b279b-7522-466b-81be-34a87d564a7c test_list_volumes_with_invalid_status
  0f4aa809-8c7b-418f-8fb3-84c7a5dfc52f test_list_volumes_with_nonexistent_name
  72aeca85-57a5-4c1f-9057-f320f9ea575b test_update_volume_with_empty_volume_id
  e66e40d6-65e6-4e75-bdc7-636792fa152d test_update_volume_with_invalid_volume_id
  0186422c-999a-480e-a026-6a665744c30c test_update_volume_with_nonexistent_volume_id
  555efa6e-efcd-44ef-8a3b-4a7ca4837a29 test_volume_delete_nonexistent_volume_id
  f131c586-9448-44a4-a8b0-54ca838aa43e test_volume_get_nonexistent_volume_id
tempest.api.volume.test_volumes_snapshots.VolumesSnapshotTestJSON
  2a8abbe4-d871-46db-b049-c41f5af8216e test_snapshot_create_get_list_update_delete
  677863d1-3142-456d-b6ac-9924f667a7f4 test_volume_from_snapshot
tempest.api.volume.test_volumes_snapshots_list.VolumesSnapshotListTestJSON
  db4d8e0a-7a2e-41cc-a712-961f6844e896 test_snapshot_list_param_limit
  a1427f61-420e-48a5-b6e3-0b394fa95400 test_snapshot_list_param_limit_equals_infinite
  e3b44b7f-ae87-45b5-8a8c-66110eb24d0a test_snapshot_list_param_limit_equals_zero
  05489dde-44bc-4961-a1f5-3ce7ee7824f7 test_snapshot_list_param_marker
  ca96d551-17c6-4e11-b0e8-52d3bb8a63c7 test_snapshot_list_param_offset
  4052c3a0-2415-440a-a8cc-305a875331b0 test_snapshot_list_param_sort_created_at_asc
  dcbbe24a-f3c0-4ec8-9274-55d48db8d1cf test_snapshot_list_param_sort_created_at_desc
  c5513ada-64c1-4d28-83b9-af3307ec1388 test_snapshot_list_param_sort_id_asc
  8a7fe058-0b41-402a-8afd-2dbc5a4a718b test_snapshot_list_param_sort_id_desc
  d58b5fed-0c37-42d3-8c5d-39014ac13c00 test_snapshot_list_param_sort_name_asc
  96ba6f4d-1f18-47e1-b4bc-76edc6c21250 test_snapshot_list_param_sort_name_desc
  220a1022-1fcd-4a74-a7bd-6b859156cda2 test_snapshots_list_details_with_params
  59f41f43-aebf-48a9-ab5d-d76340fab32b test_snapshots_list_with_params
tempest.api.volume.test_volumes_snapshots_negative.VolumesSnapshotNegativeTestJSON
  e3e466af-70ab-4f4b-a967-ab04e3532ea7 test_create_snapshot_with_nonexistent_volume_id
  bb9da53e-d335-4309-9c15-7e76fd5e4d6d test_create_snapshot_without_passing_volume_id
"""
"""A class a line, below it its tests: the idempotent id, which stays when a test is renamed, and
the name that the list has for it."""
