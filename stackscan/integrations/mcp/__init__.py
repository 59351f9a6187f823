"""The MCP server: tools with which a language model asks about dumps, over stdio (docs/mcp.md).

Only :mod:`stackscan.integrations.mcp.server` and :mod:`stackscan.integrations.mcp.answer` need the `mcp` SDK.
"""
