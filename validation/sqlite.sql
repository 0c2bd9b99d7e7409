-- What sqlite3 does in `validation/run`: fills a table in memory and sorts it for an index, which
-- frees what it sorted in, asks at random places, and changes rows.
PRAGMA journal_mode = off;
PRAGMA cache_size = -200000;
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130000)
INSERT INTO orders
SELECT i, i * 6007 % 130003, 'order ' || i || ' of customer ' || i * 6007 % 130003 FROM n;
CREATE INDEX by_customer ON orders (customer);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
SELECT count(*), sum(length(note)) FROM n, orders WHERE customer = i * i * 37 % 130003;
SELECT count(*) FROM orders WHERE note LIKE '%777%';
UPDATE orders SET note = note || ', checked' WHERE id % 8 = 0;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
SELECT count(*), sum(length(note)) FROM n, orders WHERE customer = i * i * 53 % 50000;
SELECT count(*), max(note) FROM orders;
