# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
# ruff: noqa: E501 - one test a line
"""The tests that OpenStack Powered Storage requires: facts, taken from guideline 2020.06.

Those of the required capabilities of its component os_powered_storage that are about object
storage; those about tokens are in compute.py too. Later guidelines (2022.11 was the last) are not
to be had any more where this was looked up, since their repository was retired.
"""

from __future__ import annotations

SOURCE = "https://github.com/openstack-archive/interop/blob/5f7a8cf9c43015a27c2ed56cad8501d470807461/2020.06.json"
VERSION = "2020.06"
TESTS = """
tempest.api.object_storage.test_account_quotas.AccountQuotasTest
  a22ef352-a342-4587-8f47-3bbdb5b039c4 test_upload_valid_object
tempest.api.object_storage.test_account_quotas_negative.AccountQuotasNegativeTest
  d1dc5076-555e-4e6d-9697-28f1fe976324 test_user_modify_quota
tempest.api.object_storage.test_account_services.AccountTest
  3499406a-ae53-4f8c-b43a-133d4dc6fe3f test_list_containers
  884ec421-fbad-4fcc-916b-0580f2699565 test_list_no_containers
  5ca164e4-7bde-43fa-bafb-913b53b9e786 test_list_containers_with_end_marker
  1c7efa35-e8a2-4b0b-b5ff-862c7fd83704 test_list_containers_with_format_json
  5cfa4ab2-4373-48dd-a41f-a532b12b08b2 test_list_containers_with_limit
  888a3f0e-7214-4806-8e50-5e0c9a69bb5e test_list_containers_with_limit_and_end_marker
  f7064ae8-dbcc-48da-b594-82feef6ea5af test_list_containers_with_limit_and_marker
  8cf98d9c-e3a0-4e44-971b-c87656fdddbd test_list_containers_with_limit_and_marker_and_end_marker
  638f876d-6a43-482a-bbb3-0840bca101c6 test_list_containers_with_marker
  ac8502c2-d4e4-4f68-85a6-40befea2ef5e test_list_containers_with_marker_and_end_marker
  6eb04a6a-4860-4e31-ba91-ea3347d76b58 test_list_extensions
  b904c2e3-24c2-4dba-ad7d-04e90a761be5 test_list_no_account_metadata
tempest.api.object_storage.test_container_acl.ObjectTestACLs
  a3270f3f-7640-4944-8448-c7ea783ea5b6 test_read_object_with_rights
  aa58bfa5-40d9-4bc3-82b4-d07f4a9e392a test_write_object_with_rights
tempest.api.object_storage.test_container_quotas.ContainerQuotasTest
  22eeeb2b-3668-4160-baef-44790f65a5a0 test_upload_large_object
  3a387039-697a-44fc-a9c0-935de31f426b test_upload_too_many_objects
  9a0fb034-86af-4df0-86fa-f8bd7db21ae0 test_upload_valid_object
tempest.api.object_storage.test_container_services.ContainerTest
  92139d73-7819-4db1-85f8-3f2f22a8d91f test_create_container
  49f866ed-d6af-4395-93e7-4187eb56d322 test_create_container_overwrite
  95d3a249-b702-4082-a2c4-14bb860cf06a test_delete_container
  312ff6bd-5290-497f-bda1-7c5fec6697ab test_list_container_contents
  4646ac2d-9bfb-4c7d-a3c5-0f527402b3df test_list_container_contents_with_no_object
  58ca6cc9-6af0-408d-aaec-2a6a7b2f0df9 test_list_container_contents_with_path
  fe323a32-57b9-4704-a996-2e68f83b09bc test_list_container_contents_with_delimiter
  55b4fa5c-e12e-4ca9-8fcf-a79afe118522 test_list_container_contents_with_end_marker
  196f5034-6ab0-4032-9da9-a937bbb9fba9 test_list_container_contents_with_format_json
  297ec38b-2b61-4ff4-bcd1-7fa055e97b61 test_list_container_contents_with_limit
  c31ddc63-2a58-4f6b-b25c-94d2937e6867 test_list_container_contents_with_marker
  77e742c7-caf2-4ec9-8aa4-f7d509a3344c test_list_container_contents_with_prefix
  96e68f0e-19ec-4aa2-86f3-adc6a45e14dd test_list_container_metadata
  a2faf936-6b13-4f8d-92a2-c2278355821e test_list_no_container_metadata
  cf19bc0b-7e16-4a5a-aaed-cb0c2fe8deef test_update_container_metadata_with_create_and_delete_metadata
  2ae5f295-4bf1-4e04-bfad-21e54b62cec5 test_update_container_metadata_with_create_metadata
  3a5ce7d4-6e4b-47d0-9d87-7cd42c325094 test_update_container_metadata_with_delete_metadata
  31f40a5f-6a52-4314-8794-cd89baed3040 test_update_container_metadata_with_create_metadata_key
  a2e36378-6f1f-43f4-840a-ffd9cfd61914 test_update_container_metadata_with_delete_metadata_key
tempest.api.object_storage.test_object_services.ObjectTest
  e3e6a64a-9f50-4955-b987-6ce6767c97fb test_object_upload_in_segments
  23a3674c-d6de-46c3-86af-ff92bfc8a3da test_list_object_metadata_with_x_object_manifest
tempest.api.object_storage.test_object_slo.ObjectSloTest
  87b6dfa1-abe9-404d-8bf0-6c3751e6aa77 test_delete_large_object
  e69ad766-e1aa-44a2-bdd2-bf62c09c1456 test_list_large_object_metadata
  49bc49bc-dd1b-4c0f-904e-d9f10b830ee8 test_retrieve_large_object
  2c3f24a6-36e8-4711-9aa2-800ee1fc7b5b test_upload_manifest
tempest.api.object_storage.test_object_services.ObjectTest
  06f90388-2d0e-40aa-934c-e9a8833e958a test_copy_object_2d_way
  aa467252-44f3-472a-b5ae-5b57c3c9c147 test_copy_object_across_containers
  1a9ab572-1b66-4981-8c21-416e2a5e6011 test_copy_object_in_same_container
  2248abba-415d-410b-9c30-22dff9cd6e67 test_copy_object_to_itself
  5b4ce26f-3545-46c9-a2ba-5754358a4c62 test_create_object
  17738d45-03bd-4d45-9e0b-7b2f58f98687 test_delete_object
tempest.api.object_storage.test_object_expiry.ObjectExpiryTest
  fb024a42-37f3-4ba5-9684-4f40a7910b41 test_get_object_after_expiry_time
tempest.api.object_storage.test_object_services.ObjectTest
  02610ba7-86b7-4272-9ed8-aa8d417cb3cd test_get_object
  50d01f12-526f-4360-9ac2-75dd508d7b68 test_get_object_if_different
tempest.api.object_storage.test_object_temp_url.ObjectTempUrlTest
  9b08dade-3571-4152-8a4f-a4f2a873a735 test_put_object_using_temp_url
tempest.api.object_storage.test_object_version.ContainerTest
  a151e158-dcbf-4a1f-a1e7-46cd65895a6f test_versioned_container
tempest.api.object_storage.test_object_temp_url.ObjectTempUrlTest
  f91c96d4-1230-4bba-8eb9-84476d18d991 test_get_object_using_temp_url
"""
"""A class a line, below it its tests: the idempotent id, which stays when a test is renamed, and
the name that the list has for it."""
