"""HTTP. The only room that imports ``requests``, whose traps are disarmed here.

* No ``~/.netrc``: it would overwrite our Authorization, and be sent to the
  hosts we are redirected to. Proxy variables and CA bundles of the
  environment do apply.
* No cookies kept, no content decoding (``identity``; bodies are read raw), no
  automatic redirects (they read the redirect's body whole, and carry headers
  along).
* What is secret is asked for again at every hop and belongs to one origin.
* Every read is bounded in time, and every body but a blob's in size.
* What may pass by itself is asked again, with jitter (``retries``); the whole
  way from the first address on, so that signed addresses are made again.

``client`` asks again and follows redirects, ``sender`` sends one request,
``connections`` opens and watches connections, ``connection_limit`` counts them,
``proxies`` knows those of the environment, ``network_policy`` where a registry may
lead. ``stall_guard`` and ``chunked_body`` read from connections, with ``timeouts``;
``response`` is what comes back; ``failure_reasons`` and ``failures`` say in a
sentence what went wrong. Nothing is imported here, so that ``unix_socket``, one
plain GET for daemons, comes without ``requests``.
"""
