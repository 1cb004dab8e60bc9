"""Images written for other tools: OCI layouts, tars of them, and what ``docker load`` takes."""
