module trimaran.dev/examples/article/dns

go 1.22
