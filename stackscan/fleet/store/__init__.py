"""A store of captures that grows: what the fleet knows of each, as two Delta tables on disk or in object storage."""
