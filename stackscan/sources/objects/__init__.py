"""Object storage as a source: ``s3://``, ``gs://``, ``az://`` and ``abfs(s)://``, read by the library obstore."""
