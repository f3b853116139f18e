"""dns: records for the DNS-01 challenge.

`lookup` asks the DNS, `journal` remembers what was set, and each provider is one
file that can set a TXT record and remove it again; `catalog` is their list.
`dnspython` and `requests` are loaded with the first record, not before.
"""
