# Redis holds 8,000 values of 1 KiB; 16 clients write and read some of them.
redis-server --save "" --daemonize yes --logfile /tmp/log --dir /tmp > /dev/null
sleep 1
redis-benchmark -q -c 4 -P 16 -n 16000 -r 8000 -d 1024 -t set
mark start
redis-benchmark -q -c 16 -n 1500 -r 8000 -d 1024 -t set,get
mark scan
redis-cli --scan | wc -l
mark stop
