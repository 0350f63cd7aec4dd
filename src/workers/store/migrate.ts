/**
 * Brings a store of schema 1 to schema 2, inside the caller's transaction. Schema 1 didn't know to which hub it had delivered:
 * what it delivered stays on record as a hub without a name, and each hub that has one gets all that consent covers. Hubs
 * know an event by its id, so a second time does no harm, and a wrong guess would lose events.
 */
import type Database from 'better-sqlite3'

import { DAMAGED } from './row-checksum.ts'
import { DELIVERY_SQL } from './schema.ts'

const ASIDE_SQL = `
DROP INDEX delivery_outgoing;
DROP INDEX delivery_held;
ALTER TABLE delivery RENAME TO delivery_1;
ALTER TABLE consent RENAME TO consent_1;
DROP TABLE tally;
DROP TABLE link;
`

/**
 * A grant that didn't cover the past was opened where the last event before it ended. What that says of single events is
 * overruled by what was written beside them.
 */
const COPY_SQL = `
INSERT INTO consent
  SELECT project_uuid, state, covers_history, decided_at, state = 'granted',
    CASE WHEN state = 'refused' OR covers_history = 1 THEN 0 ELSE coalesce(
      (SELECT sequence FROM event WHERE recorded_at <= decided_at ORDER BY sequence DESC LIMIT 1), 0)
    END
  FROM consent_1;
INSERT INTO consent_epoch
  SELECT epoch, opened_after, decided_at, NULL, NULL FROM consent WHERE state = 'granted';
INSERT INTO mark
  SELECT sequence, 'quarantined', reason FROM delivery_1 WHERE state = 'quarantined'
    AND (reason = '${DAMAGED}' OR (SELECT kind FROM owner) = 'repository');
INSERT INTO mark
  SELECT sequence, 'held', NULL FROM delivery_1, consent
    WHERE delivery_1.state = 'held' AND consent.state = 'granted' AND sequence > opened_after;
INSERT INTO mark
  SELECT sequence, 'released', NULL FROM delivery_1, consent
    WHERE delivery_1.state IN ('pending', 'inflight') AND consent.state = 'granted'
      AND sequence <= opened_after;
INSERT INTO hub
  SELECT 1, '', '', NULL, 1, 0, 0, 0, NULL WHERE EXISTS (
    SELECT 1 FROM delivery_1 WHERE state IN ('delivered', 'quarantined')
      AND sequence NOT IN (SELECT sequence FROM mark));
INSERT INTO target SELECT 1, id FROM hub;
INSERT INTO delivery
  SELECT 1, sequence, state, 1, 0, reason FROM delivery_1
    WHERE state IN ('delivered', 'quarantined') AND sequence NOT IN (SELECT sequence FROM mark);
`

// Here, and nowhere else, rows are counted.
const COUNT_SQL = `
CREATE TEMP VIEW open_event AS
  SELECT e.sequence FROM main.event AS e LEFT JOIN main.mark AS m ON m.sequence = e.sequence
    CROSS JOIN main.consent AS c
    WHERE c.state = 'granted'
      AND ((e.sequence > c.opened_after AND m.state IS NULL) OR m.state IS 'released');
UPDATE tally SET count = (SELECT count(*) FROM event) WHERE state = 'recorded';
UPDATE tally SET count = (SELECT count(*) FROM temp.open_event) WHERE state = 'open';
UPDATE tally SET count = (SELECT count(*) FROM delivery) WHERE state = 'settled';
INSERT INTO tally
  SELECT 0, 'quarantined', coalesce(reason, ''), count(*) FROM mark
    WHERE state = 'quarantined' GROUP BY reason;
INSERT INTO tally
  SELECT hub, state, coalesce(reason, ''), count(*) FROM delivery GROUP BY hub, state, reason;
INSERT INTO tally
  SELECT hub, state || 'Open', '', count(*) FROM delivery
    WHERE sequence IN (SELECT sequence FROM temp.open_event) GROUP BY hub, state;
DROP VIEW temp.open_event;
DROP TABLE delivery_1;
DROP TABLE consent_1;
`

export function migrateFrom1(db: Database.Database): void {
  db.exec(ASIDE_SQL)
  db.exec(DELIVERY_SQL)
  db.exec(COPY_SQL)
  db.exec(COUNT_SQL)
}
