-- Money rules that hold whoever writes: PostgreSQL keeps them, Python only asks.

-- A transfer's legs sum to zero, and there are two at least. Checked at commit, from both sides:
-- an entry that is added later would escape a check on the transfer alone.
create function app.ledger_balanced() returns trigger language plpgsql as $$
declare
  wanted text;
  legs int;
  total numeric;
begin
  if tg_table_name = 'ledger_transfer' then
    wanted := new.id;
  else
    wanted := new.transfer_id;
  end if;
  select count(*), coalesce(sum(amount), 0) into legs, total from app.ledger_entry where transfer_id = wanted;
  if legs < 2 or total <> 0 then
    raise exception 'transfer % has % legs that sum to %', wanted, legs, total using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger balanced after insert on app.ledger_transfer
  deferrable initially deferred for each row execute function app.ledger_balanced();
create constraint trigger balanced after insert on app.ledger_entry
  deferrable initially deferred for each row execute function app.ledger_balanced();

-- What happened stays: a mistake is reversed by another transfer.
create function app.ledger_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger append_only before update or delete on app.ledger_transfer
  for each row execute function app.ledger_refuse_change();
create trigger append_only before update or delete on app.ledger_entry
  for each row execute function app.ledger_refuse_change();
create trigger kept before delete on app.ledger_account
  for each row execute function app.ledger_refuse_change();
create trigger append_only_truncate before truncate on app.ledger_transfer
  for each statement execute function app.ledger_refuse_change();
create trigger append_only_truncate before truncate on app.ledger_entry
  for each statement execute function app.ledger_refuse_change();
create trigger kept_truncate before truncate on app.ledger_account
  for each statement execute function app.ledger_refuse_change();

-- Writes the legs of one transfer. Accounts are taken in the order of their ids, so that two transfers over the
-- same accounts wait for each other and never for a circle. Raises SXL01 (too little money), SXL02 (an account that
-- is closed, unknown, or another owner's).
create function app.ledger_write_legs(
  the_transfer text, the_owner text, the_accounts text[], the_amounts bigint[]
) returns void language plpgsql as $$
declare
  leg record;
  found_account record;
begin
  for leg in
    select account, sum(amount)::bigint as amount
      from unnest(the_accounts, the_amounts) as given (account, amount)
     group by account having sum(amount) <> 0 order by account
  loop
    select hot, owner, state into found_account from app.ledger_account where id = leg.account;
    if not found or found_account.owner <> the_owner or found_account.state <> 'open' then
      raise exception 'account %', leg.account using errcode = 'SXL02';
    end if;
    insert into app.ledger_entry (transfer_id, account_id, amount) values (the_transfer, leg.account, leg.amount);
    if found_account.hot then
      -- Many transfers touch this account at once: a job counts what they leave here, and nobody waits for a row.
      insert into app.ledger_uncounted (account_id, amount) values (leg.account, leg.amount);
      continue;
    end if;
    update app.ledger_account
       set balance = balance + leg.amount, version = version + 1
     where id = leg.account and state = 'open'
       and (leg.amount > 0 or floor is null or balance + leg.amount >= floor);
    if not found then
      raise exception 'account %', leg.account using errcode = 'SXL01';
    end if;
  end loop;
end $$;

-- Makes one transfer, once for each (owner, key), and says what came of it:
-- done, replayed, key_reused, resolved (another transfer ended its parent), insufficient, unusable (an account), no_parent.
-- A refusal leaves nothing behind, not even the key.
create function app.ledger_transfer_once(
  the_id text, the_owner text, the_key text, the_hash bytea, the_kind text, the_parent text, the_reference text,
  the_accounts text[], the_amounts bigint[]
) returns table (outcome text, transfer_id text, account_id text) language plpgsql as $$
declare
  held record;
  the_parent_kind text;
begin
  select id, request_hash into held from app.ledger_transfer where owner = the_owner and key = the_key;
  if found then
    return query select case when held.request_hash = the_hash then 'replayed' else 'key_reused' end, held.id::text, null::text;
    return;
  end if;
  if the_parent is not null then
    select kind into the_parent_kind from app.ledger_transfer where id = the_parent and owner = the_owner;
    if the_parent_kind is null or (the_kind = 'reverse') <> (the_parent_kind in ('move', 'post')) then
      return query select 'no_parent', null::text, null::text;
      return;
    end if;
  end if;
  insert into app.ledger_transfer (id, owner, key, request_hash, kind, parent_id, parent_kind, reference)
  values (the_id, the_owner, the_key, the_hash, the_kind, the_parent, the_parent_kind, the_reference)
      on conflict do nothing;
  if not found then
    -- Somebody was faster: with this very key, or by ending the same parent.
    select id, request_hash into held from app.ledger_transfer where owner = the_owner and key = the_key;
    if found then
      return query select case when held.request_hash = the_hash then 'replayed' else 'key_reused' end, held.id::text, null::text;
    else
      return query select 'resolved', null::text, null::text;
    end if;
    return;
  end if;
  perform app.ledger_write_legs(the_id, the_owner, the_accounts, the_amounts);
  return query select 'done', the_id, null::text;
end $$;

-- The movements that callers know. Each runs the transfer inside a block of its own, so that a refusal undoes the legs
-- written before it and the caller's transaction goes on.
create function app.ledger_attempt(
  the_id text, the_owner text, the_key text, the_hash bytea, the_kind text, the_parent text, the_reference text,
  the_accounts text[], the_amounts bigint[]
) returns table (outcome text, transfer_id text, account_id text) language plpgsql as $$
declare
  said text;
begin
  return query select * from app.ledger_transfer_once(
    the_id, the_owner, the_key, the_hash, the_kind, the_parent, the_reference, the_accounts, the_amounts);
exception
  when sqlstate 'SXL01' then
    get stacked diagnostics said = message_text;
    return query select 'insufficient', null::text, substr(said, 9);
  when sqlstate 'SXL02' then
    get stacked diagnostics said = message_text;
    return query select 'unusable', null::text, substr(said, 9);
end $$;

-- Takes money aside: what legs take from accounts goes to the hold account.
create function app.ledger_reserve(
  the_id text, the_owner text, the_key text, the_hash bytea, the_reference text, the_hold text,
  the_accounts text[], the_amounts bigint[]
) returns table (outcome text, transfer_id text, account_id text) language sql as $$
  select * from app.ledger_attempt(the_id, the_owner, the_key, the_hash, 'reserve', null, the_reference,
    the_accounts || the_hold, the_amounts || (select -sum(amount)::bigint from unnest(the_amounts) as given (amount)));
$$;

-- Pays out what a reservation holds, with further legs that say where it goes and what comes on top.
create function app.ledger_post(
  the_id text, the_owner text, the_key text, the_hash bytea, the_reference text, the_reserve text,
  the_accounts text[], the_amounts bigint[]
) returns table (outcome text, transfer_id text, account_id text) language sql as $$
  select attempt.* from (
    select coalesce(array_agg(account_id), '{}') as accounts, coalesce(array_agg(-amount), '{}') as amounts
      from app.ledger_entry where transfer_id = the_reserve and amount > 0
  ) as held, lateral app.ledger_attempt(the_id, the_owner, the_key, the_hash, 'post', the_reserve, the_reference,
    held.accounts || the_accounts, held.amounts || the_amounts) as attempt;
$$;

-- Undoes a reservation (void) or a finished transfer (reverse): the opposite of each leg. What was posted out of a
-- reservation is reversed together with it, so that the money is back where it was taken from.
create function app.ledger_undo(
  the_id text, the_owner text, the_key text, the_hash bytea, the_reference text, the_kind text, the_parent text
) returns table (outcome text, transfer_id text, account_id text) language sql as $$
  select attempt.* from (
    select coalesce(array_agg(account_id), '{}') as accounts, coalesce(array_agg(-amount), '{}') as amounts
      from app.ledger_entry where transfer_id = the_parent
        or transfer_id = (select parent_id from app.ledger_transfer where id = the_parent)
  ) as done, lateral app.ledger_attempt(the_id, the_owner, the_key, the_hash, the_kind, the_parent, the_reference,
    done.accounts, done.amounts) as attempt;
$$;

-- Adds what was left at hot accounts to their balances. Runs beside itself: each row is taken once.
create function app.ledger_count(most int) returns bigint language sql as $$
  with taken as (
    delete from app.ledger_uncounted where id in (
      select id from app.ledger_uncounted order by id limit most for update skip locked
    ) returning account_id, amount
  ), summed as (
    select account_id, sum(amount)::bigint as amount from taken group by account_id order by account_id
  ), counted as (
    update app.ledger_account as a set balance = a.balance + s.amount, version = a.version + 1
      from summed as s where a.id = s.account_id returning 1
  )
  select count(*) from taken where (select count(*) from counted) >= 0;
$$;
