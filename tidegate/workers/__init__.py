"""Workers: processes that serve, and know nothing but what they serve.

`crew` is all of them, `post` one worker's place, both in the parent; `worker`
is the process.  `orders` go down to it, `reports` come up from it.
"""
