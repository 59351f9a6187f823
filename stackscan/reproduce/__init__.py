"""The two reproducers of boxo #1142, on real sockets: what one Close does, and what that does to a pool of workers.

They know no dump. Sockets are TCP on 127.0.0.1, goroutines are threads, and the client's side of multistream-select is
that of go-multistream v0.6.1 (``lazyClient.go``), write for write.
Source: https://github.com/ipfs/boxo/issues/1142.
"""
