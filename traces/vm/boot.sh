# A machine boots, and nothing happens in it for a minute.
mark idle
sleep 60
mark stop
