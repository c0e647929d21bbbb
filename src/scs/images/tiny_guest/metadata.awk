# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
# Reads OpenStack's meta_data.json and writes the files keys, hostname, uuid below `into`.
# A small JSON reader: busybox has none. name[depth] is the key whose value is being read.

function plain(text) {
    text = substr(text, 2, length(text) - 2)
    gsub(/\\n/, "\n", text)
    gsub(/\\t/, "\t", text)
    gsub(/\\"/, "\"", text)
    gsub(/\\\//, "/", text)
    gsub(/\\\\/, "\\", text)
    return text
}

{ all = all $0 " " }

END {
    token = "^[ \t\r\n]*(\"([^\"\\\\]|\\\\.)*\"|[][{}:,]|[^][{}:,\" \t\r\n]+)"
    while (match(all, token)) {
        word = substr(all, RSTART, RLENGTH)
        all = substr(all, RSTART + RLENGTH)
        sub(/^[ \t\r\n]+/, "", word)
        if (word == "{" || word == "[") {
            name[++depth] = ""
        } else if (word == "}" || word == "]") {
            depth--
        } else if (word == ":") {
            name[depth] = last
        } else if (word == ",") {
            name[depth] = ""
        } else {
            if (word ~ /^"/) word = plain(word)
            if (depth == 1 && (name[1] == "hostname" || name[1] == "uuid"))
                print word > (into "/" name[1])
            if (depth == 2 && name[1] == "public_keys" && name[2] != "") {
                sub(/\n+$/, "", word)
                print word > (into "/keys")
            }
            last = word
        }
    }
}
