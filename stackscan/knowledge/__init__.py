"""What we know, as data: rules, pools and defects (TOML), the language of their conditions, stackscan.toml."""
