import pytest

from harness.runner.replication.mysql_writes import is_write

REFUSED = """
insert into t values (1)
insert ignore into t select 5 where false
update t set id = 1 where false
delete from t
replace into t values (1)
truncate t
load data infile '/x' into table t
select * from t for update
(select 1 from t for update)
select * from (select id from t for update) as x
with a as (select 1) select * from t for update
with a as (select 1 as id) delete from t where id in (select id from a)
with a as (select 1) update t set x = 1
explain delete from t
explain update t set x = 1
create table if not exists t (id int)
create or replace view v as select 1
create index i on t (id)
create event e on schedule every 1 day do select 1
create database z
drop table if exists nothere
drop index i on t
alter table t add x int
rename table t to u
grant select on *.* to app
revoke select on *.* from app
create user foo
set password for app = 'app'
analyze table t
analyze local table t
optimize table t
install plugin x soname 'y'
lock tables t write
/*!50000 delete from t */
/* a comment */ delete from t
# a comment\tdelete from t
-- a comment\tdelete from t
select 1; delete from t
INSERT INTO `t` (`a`) VALUES (%s) ON DUPLICATE KEY UPDATE `a` = VALUES(`a`)
"""

LET_THROUGH = """
select * from t
select * from t for share
select * from t lock in share mode
(select 1) union (select 2)
with a as (select 1) select * from a
with x as (select replace('a', 'b', 'c')) select insert('a', 1, 1, 'b') from x where a = 'delete'
explain select replace(a, 'b', 'c') from t
explain analyze select * from t
analyze select * from t
describe t
desc `insert`
show create table t
table t
values row(1)
select `update` from t
select 'x for update'
select 1 -- for update
select replace(a, 'b', 'c') from t
create temporary table u (id int)
create or replace temporary table u (id int)
drop temporary table u
call p()
do 1
set @x = 1
set names utf8mb4
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
lock tables t read
unlock tables
check table t
begin
start transaction
savepoint a
rollback to savepoint a
release savepoint a
commit
handler t open
prepare s from 'delete from t'
use ro
select 1; select 2
/*+ nothing */
;
"""


def statements(text: str) -> list[str]:
    return [line.replace("\t", "\n") for line in text.strip().splitlines()]


@pytest.mark.parametrize("sql", statements(REFUSED))
def test_a_statement_that_a_replica_refuses_is_a_write(sql: str) -> None:
    assert is_write(sql)
    assert is_write(sql.upper())
    assert is_write(f"\n  {sql} ;")


@pytest.mark.parametrize("sql", [*statements(LET_THROUGH), ""])
def test_a_statement_that_a_replica_runs_is_no_write(sql: str) -> None:
    assert not is_write(sql)
    assert not is_write(f"\n  {sql}")


def test_a_comment_that_mariadb_executes_is_a_write() -> None:
    assert is_write("/*M! delete from t */")


def test_a_long_list_of_parameters_is_no_write() -> None:
    assert not is_write(f"SELECT a FROM t WHERE a IN ({', '.join(['%s'] * 100_000)})")
