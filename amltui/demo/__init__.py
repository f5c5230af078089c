"""The demo workspace: a loopback server that speaks Azure ML's protocol to the unpatched SDK.

It stands alone: nothing here imports the rest of amltui, and the rest talks to it over HTTP only.
"""
