"""notify: tells the owner, where he looks, what needs him; and never twice a day the same.

`notices` make of events what is worth it, `memory` knows what was told, `notifier` gathers and
sends: `webhooks` over HTTP, `mail` by SMTP, `others` through apprise.
"""
