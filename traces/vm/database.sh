# sqlite3 fills a table of 10,000 rows, indexes it, and answers queries for single rows, ranges, and all.
cat > /tmp/fill.sql <<'SQL'
PRAGMA journal_mode = MEMORY;
CREATE TABLE t (a INTEGER, b TEXT);
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10000)
  INSERT INTO t SELECT x * 7919 % 10007, 'row ' || x || ' ' || hex(zeroblob(150)) FROM c;
CREATE INDEX i ON t (a);
SQL
cat > /tmp/ask.sql <<'SQL'
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000)
  SELECT sum(length(b)) FROM c, t WHERE t.a = c.x * c.x % 10007;
SELECT count(*), sum(length(b)) FROM t WHERE a BETWEEN 100 AND 2000;
UPDATE t SET b = 'new ' || b WHERE a % 16 = 0;
SELECT a % 97, count(*) FROM t GROUP BY 1 ORDER BY 2 DESC LIMIT 2;
SQL
mark start
sqlite3 /tmp/a.db < /tmp/fill.sql
mark ask
sqlite3 /tmp/a.db < /tmp/ask.sql
mark stop
