# Redis holds 25,000 values of 1 KiB; 16 clients write and read some of them.
redis-server --save "" --daemonize yes --logfile /tmp/log --dir /tmp > /dev/null
sleep 1
redis-benchmark -q -c 4 -P 16 -n 60000 -r 25000 -d 1024 -t set
mark start
redis-benchmark -q -c 16 -n 6000 -r 25000 -d 1024 -t set,get
mark scan
redis-cli --scan --count 100 | wc -l
mark stop
