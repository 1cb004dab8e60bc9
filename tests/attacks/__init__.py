"""Attacks, ordered by who carries them out (``docs/threat-model.md``): one folder an attacker, one file an attack.

=========  ====================================================================
registry   the registry the user named, or one that a second image names
publisher  who pushed the image: layers, tables of contents, configs, names
storage    hosts that a registry redirects to, auth services, mirrors
proxy      who sits on the line, or answers in place of a host
neighbour  another user of this machine
planted    who put files into the folder that the program is run in
=========  ====================================================================

To add an attack, add a file ``test_WHAT.py`` to the folder of its attacker.
``watching`` has servers whose every received byte is kept, ``tunnel`` a proxy,
``ways`` every way of giving a login. Everything here talks to loopback only.
"""
