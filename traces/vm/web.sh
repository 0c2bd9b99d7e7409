# nginx sends files of 8 to 128 KiB, 40 MiB in all, to four clients; file n is asked for some 1/n times.
mkdir -p /tmp/site /var/log/nginx /var/lib/nginx
seq 1 600 | while read -r n; do
  head -c $((8192 + n * 7919 % 120 * 1024)) /dev/zero | tr '\0' "$((n % 10))" > /tmp/site/$n.txt
done
seq 1 600 | awk '{ for (i = 0; i < 600 / $1; i++) print "http://127.0.0.1/" $1 ".txt" }' > /tmp/urls
cat > /tmp/nginx.conf <<'CONF'
user root;
worker_processes 1;
pid /tmp/nginx.pid;
events { worker_connections 64; }
http { server { listen 127.0.0.1:80; root /tmp/site; } access_log /tmp/access.log; }
CONF
mkdir -p "$HOME/.siege"
printf 'show-logfile = false\nlogging = false\nverbose = false\n' > "$HOME/.siege/siege.conf"
nginx -c /tmp/nginx.conf
mark start
siege -q -i -b -c 4 -r 25 -f /tmp/urls
mark stop
