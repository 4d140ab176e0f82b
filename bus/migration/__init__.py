"""From the first Guardia's ``config.json`` to ``guardia.toml``.

    guardia migrate OLD.json [--to guardia.toml] [--force]

``old`` reads the file as the first Guardia did, in all its forms, and names what it cannot read. ``new`` says the
same in our tables, with both conventions of grace: a host's limit forgives ``grace`` readings, a service is down at
failing check number ``grace``. ``written`` makes TOML of tables. Secrets go into files of their own.
"""
