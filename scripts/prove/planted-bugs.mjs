// Bugs as data: what is changed in the built program, by what stands there, and the tests that must find it.

import { bug } from './planted-bug.mjs'
import { ACTOR_BUGS } from './planted-actor-bugs.mjs'
import { FAST_BUGS } from './planted-fast-bugs.mjs'

/**
 * By name: `edits`, each what stands there and what takes its place, white space and quotes aside; `by`, the test files.
 *
 * @type {Record<string, { by: string[], edits: string[][] }>}
 */
export const MUTATIONS = {
  'the outbox is synced at checkpoints alone': bug('workers/store/open-outbox', [
    ["db.pragma('synchronous = FULL');", 'db.pragma("synchronous = NORMAL");'],
    ['if (isWal && isFull) return;', 'return;'],
  ]),
  'the hub is synced at checkpoints alone': bug('hub/durability', [
    ["database.pragma('synchronous = FULL');", 'database.pragma("synchronous = NORMAL");'],
    ['!== SYNCHRONOUS_FULL) {', '=== -1) {'],
  ]),
  "a row's checksum is not looked at": bug('workers/store/delivery', [
    [
      'return rowChecksum(row.event_id, row.lamport_clock, row.body) === row.checksum;',
      'return true;',
    ],
  ]),
  'the clock is read before the transaction': bug('workers/store/append', [
    ['this.#lamport = this.#clock.read();', 'this.#lamport ||= this.#clock.read();'],
  ]),
  'the clock trusts its own row': bug('workers/store/append', [
    [
      'return Math.max(this.#stored.get(this.#nodeId) ?? 0, this.#recorded.get(this.#nodeId) ?? 0);',
      'return this.#stored.get(this.#nodeId) ?? 0;',
    ],
  ]),
  'a known event is recorded again': bug('workers/store/append', [
    ['const known = this.#known.get(event.event_id);', 'const known = undefined;'],
  ]),
  'the outbox has no end': bug('workers/store/append', [
    ['if (count > Math.max(this.#free, 0)) {', 'if (count < 0) {'],
  ]),
  'a failed write is forgotten': bug('workers/store/outbox-race', [
    ["known.code === 'OUTBOX_IO') this.#fault = known;", 'known.code === "OUTBOX_IO") void known;'],
  ]),
  'what is claimed counts as delivered': bug('workers/store/delivery', [
    [
      'this.#parts.hubs.takeUp(hub, rows.length, through);',
      '{ this.#parts.hubs.takeUp(hub, rows.length, through); this.#parts.hubs.reach(hub, through, null); }',
    ],
  ]),
  'what is passed over is forgotten': bug('workers/store/delivery', [
    ['if (known === undefined || isStale) this.#offerAgain(hub, sequence, 0, null);', ''],
  ]),
  'an answer counts after consent was withdrawn': bug('workers/store/consent', [
    ["|| consent.state === 'refused')", ')'],
    ['if (consent.epoch !== this.#grant) return;', ''],
  ]),
  'an acknowledgement of another project counts': bug('workers/socket/link', [
    [
      'if (verdict.projectUuid !== undefined && verdict.projectUuid !== item.projectUuid) return null;',
      '',
    ],
  ]),
  'an acknowledgement counts by its place': bug('workers/socket/arrays', [
    ['if (items.length !== acks.count || items.at(-1)?.id !== acks.lastId) return null;', ''],
  ]),
  'a line is added to half a line': bug('workers/git/append-log', [
    [
      'const prefix = await repairTail(place, handle); await writeWhole(place, handle, Buffer.concat([prefix, bytes]));',
      'await writeWhole(place, handle, bytes);',
    ],
  ]),
  'a folder is not synced after a rename': bug('workers/git/commit', [
    [
      'await fs.rename(`${path}.lock`, path); await fs.syncDirectory(dirname(path));',
      'await fs.rename(`${path}.lock`, path);',
    ],
  ]),
  'a foreign lock is removed': bug('workers/git/commit-deferral', [
    ['if (lock !== branchLock && (await isOurs(lock)))', 'if (lock !== branchLock)'],
    ['branchLock !== undefined && (await isOurs(branchLock))', 'branchLock !== undefined'],
  ]),
  'what was amended stays pending': bug('workers/git/native-histories', [
    [
      'state.pending_local_commits.filter((item) => !dropped.has(item));',
      'state.pending_local_commits;',
    ],
  ]),
  'the newest commit takes the place of all': bug('workers/git/native-commits', [
    [
      'pending_local_commits: [...kept, ...added]',
      'pending_local_commits: added.length > 0 ? added.slice(-1) : kept',
    ],
  ]),
  'commits go out newest first': bug('workers/git/native-commits', [
    [': await sortFrames(graph, pending);', ': (await sortFrames(graph, pending)).reverse();'],
  ]),
  'waits are not spread': bug('actors/connection', [
    ['return Math.floor(random() * ceilingMs);', 'return ceilingMs;'],
  ]),
  'a web page may ask the hub': bug('hub/access', [
    ['if (origin === undefined || isRead) return false;', 'return false;'],
  ]),
  'the hub answers to any name': bug('hub/access', [
    ['if (!isNamed) {', 'if (isNamed === null) {'],
  ]),
  'a revoked token speaks on': bug('hub/tokens', [
    ['AND revoked_at IS NULL', ''],
    ["database.prepare('DELETE FROM secrets WHERE token_id = ?').run(tokenId);", ''],
  ]),
  'one id stands for two contents': bug('hub/ingest', [
    ['return canonical(one) === canonical(other);', 'return true;'],
  ]),
  'a hub may have a client wait for ever': bug('workers/socket/link-faults', [
    ['Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS)', 'Math.max(ms, 0)'],
  ]),
  'an answer of a hub has no end': bug('workers/socket/link-faults', [
    ['if (bytes > bytesMax) return answer(null);', ''],
  ]),
  'depth is not bounded': bug('contracts/json', [
    ['if (depth >= JSON_DEPTH_MAX) throw tooDeep();', 'if (depth === -1) throw tooDeep();'],
  ]),
  'the second look for personal data sees nothing': bug('events/sanitize', [
    ['if (sanitize(value).redactions.length > 0) throw notClean();', 'sanitize(value);'],
  ]),
  'a drain that is empty hears of nothing new': bug('scripts/simulation', [
    ["idle: { on: { 'drain.appended': { target: 'claiming' } } },", 'idle: {},'],
  ]),
  'a new thread is not asked again': bug('scripts/simulation', [
    [
      "'thread.ready': { target: 'ready', actions: { type: 'postAgain' } },",
      '"thread.ready": { target: "ready" },',
    ],
  ]),
  'a thread comes back for ever': bug('scripts/simulation', [
    ['counted(context).length < RESTARTS_MAX', 'counted(context).length >= 0'],
  ]),
  'a commit that was deferred is forgotten': bug('scripts/simulation', [
    ["after: { retryDelay: { target: 'committing' } },", ''],
  ]),
  'a silent hub is waited for': bug('scripts/simulation', [
    ['pingSilence: {', 'openDeadlineOfNobody: {'],
  ]),
  'the lease of a dead thread counts as held': bug('scripts/simulation', [
    ["if (name === 'store') this.#lose();", ''],
  ]),
  'drains work on without a connection': bug('scripts/simulation', [["exit: 'sleepDrains',", '']]),
  'answers go to who asked last': bug('scripts/simulation', [
    [
      'const [head, ...mailbox] = context.mailbox;',
      'const head = context.mailbox.at(-1); const mailbox = context.mailbox.slice(0, -1);',
    ],
  ]),
  'the store is not told which hub has greeted': bug('scripts/simulation', [
    ['this.#aim(); this.#aimCommits();', 'this.#aimCommits();'],
  ]),
  'a lease that is lost in the start is not asked for again': bug('actors/link-control', [
    ['this.#isWanted = true;', ''],
    ['if (!isTaken) this.#isWanted = false;', 'this.#isWanted = isTaken;'],
  ]),
  'a store that failed keeps to itself that the lease is gone': bug('workers/store/store-service', [
    ["if (isHolder) this.#voice.report({ type: 'store.leaseLost' });", ''],
  ]),
  ...ACTOR_BUGS,
  ...FAST_BUGS,
  'a row is lost with the power': bug('scripts/power-cut', [
    ['sync(place, handle), place.fs.syncDirectory', 'place.fs.syncDirectory'],
  ]),
  'a new name is lost with the power': bug('scripts/power-cut', [
    [
      'await fs.rename(`${path}.lock`, path); await fs.syncDirectory(dirname(path));',
      'await fs.rename(`${path}.lock`, path);',
    ],
  ]),
  'a restored copy takes a place before it is synced': bug('scripts/power-cut', [
    ['syncFile(copy); const { events', 'const { events'],
  ]),
  "a copy of git's configuration takes its place before it is synced": bug('scripts/power-cut', [
    ['syncFile(copy); const lock', 'const lock'],
  ]),
}
