// Bugs of the machines, the link and the commits, which the simulation must find.
import { bug } from './planted-bug.mjs'

export const ACTOR_BUGS = {
  'a worker that failed answers nobody': bug('scripts/simulation', [
    ["actions: { type: 'refuse', params: ({ event }) => ({ why: 'failed', ask: event }) },", ''],
  ]),
  'what a failed worker was asked has no end': bug('scripts/simulation', [
    [
      "entry: ['tellFailure', { type: 'abandonAll', params: { why: 'failed' } }],",
      "entry: ['tellFailure'],",
    ],
  ]),
  'nobody is told of a new thread': bug('scripts/simulation', [["entry: 'tellRestart',", '']]),
  'a stop lets no thread finish': bug('scripts/simulation', [
    [
      "'worker.stop': { target: 'stopping' }, }, }, stopping: {",
      "'worker.stop': { target: '#worker.stopped' }, }, }, stopping: {",
    ],
  ]),
  'crashes are forgotten while something waits': bug('scripts/simulation', [
    [
      'return context.mailbox.length > 0 ? context.crashes : recent(context);',
      'return recent(context);',
    ],
  ]),
  'nobody knows which worker failed': bug('scripts/simulation', [
    ["supervisor.send({ type: 'supervisor.escalate', name, failure });", ''],
  ]),
  'a drain that was refused never asks again': bug('scripts/simulation', [
    [
      "entry: 'countAttempt', after: { retryDelay: { target: 'claiming' } },",
      "entry: 'countAttempt',",
    ],
  ]),
  'a drain that was refused asks without a pause': bug('scripts/simulation', [
    [
      'retryDelay: ({ context }) => backoffMs(context.attempts, context.random, { baseMs: 250, capMs: 10_000 }),',
      'retryDelay: 0,',
    ],
  ]),
  'late verdicts are dropped': bug('scripts/simulation', [
    [
      "guard: { type: 'hasVerdicts', params: ({ event }) => event }, actions: { type: 'settle', params: ({ event }) => event },",
      '',
    ],
  ]),
  'nobody is told of a delivery without verdicts': bug('scripts/simulation', [
    [
      "actions: [{ type: 'learn', params: ({ event }) => event }, 'tellStalled'],",
      "actions: [{ type: 'learn', params: ({ event }) => event }],",
    ],
  ]),
  'a ledger that refuses holds the events up': bug('scripts/simulation', [
    [
      "'drain.refused': { guard: { type: 'isCommits', params: ({ event }) => event }, target: 'live', },",
      '',
    ],
  ]),
  'what a hub refused is never offered again': bug('scripts/simulation', [
    ['return refused.clear();', 'return;'],
  ]),
  'a commit that is refused blocks the others': bug('scripts/simulation', [
    ['for (const { id } of event.rejected) refused.add(id);', ''],
  ]),
  'a closed connection is not noticed': bug('scripts/simulation', [
    [
      "{ guard: { type: 'isPresent', params: ({ event }) => event }, target: '#connection.backingOff', actions: { type: 'blame', params: ({ event }) => event }, }, ], 'connection.resumed'",
      "], 'connection.resumed'",
    ],
  ]),
  'nobody looks after a sleep': bug('scripts/simulation', [
    ["'connection.resumed': { actions: 'check' },", ''],
  ]),
  'a new login is not heard': bug('scripts/simulation', [
    [
      "'connection.login': { target: 'reaching', actions: ['want', 'resetAttempts'] }, }, after: { slowRetry",
      '}, after: { slowRetry',
    ],
  ]),
  'a dead socket thread leaves the link up': bug('scripts/simulation', [
    ["if (name === 'socket') this.#actors.connection.send({ type: 'connection.lost' });", ''],
  ]),
  'a link that is wanted stays closed': bug('scripts/simulation', [
    [
      "'socket.closing': [{ guard: 'isWanted', target: 'backingOff' }, { target: 'offline' }],",
      "'socket.closing': { target: 'offline' },",
    ],
  ]),
  'the WebSocket is never tried again': bug('scripts/simulation', [
    ["on: { 'connection.resumed': 'finishing' }, after: { backoff: 'finishing' },", ''],
  ]),
  'nothing goes by HTTP': bug('scripts/simulation', [
    ["target: 'probing',", "target: '#connection.backingOff',"],
  ]),
  "another process's opt-out is not heeded": bug('scripts/simulation', [
    [
      "else this.#actors.connection.send({ type: 'connection.disable', reason: 'NO_CONSENT' });",
      '',
    ],
  ]),
  "another process's opt-in is not heeded": bug('scripts/simulation', [
    [
      "if (granted) this.#actors.connection.send({ type: 'connection.enable' });",
      'if (granted) {}',
    ],
  ]),
  'a lost lease is asked for once': bug('scripts/simulation', [
    ['this.#options.clock.setTimeout(() => this.#retake(), LEASE_RETRY_MS);', ''],
  ]),
  'a stopped link keeps its lease': bug('scripts/simulation', [
    ["await this.#options.store.ask({ type: 'store.release' }, 'store.released');", ''],
  ]),
  'a new store thread is told of no hub': bug('scripts/simulation', [
    [
      "// A store thread that came back under a connection that is up doesn't know whom it claims for. this.#aim();",
      '',
    ],
  ]),
  'a new store thread publishes no link': bug('scripts/simulation', [
    ['await this.#publish().catch(() => undefined); this.nudge();', 'this.nudge();'],
  ]),
  'a new lease is reason enough for a link': bug('scripts/simulation', [
    ['this.heed(lease.granted);', 'this.heed(true);'],
  ]),
  'a new git thread watches nothing': bug('scripts/simulation', [
    [
      "if (name === 'git' && this.#held) { this.#watchFrames();",
      "if (name === 'git' && this.#held) {",
    ],
  ]),
  'what came before the watch is told by nobody': bug('actors/link-control', [
    ['void watching.then(look, () => undefined);', 'void watching.catch(() => undefined);'],
  ]),
  'a deferral is told to nobody': bug('scripts/simulation', [
    [
      "target: 'retrying', actions: { type: 'tellDeferred', params: ({ event }) => event }, }, { target: 'deferred'",
      "target: 'retrying', }, { target: 'deferred'",
    ],
  ]),
  'what was deferred for the user is never tried again': bug('scripts/simulation', [
    ["deferred: { on: { 'commit.needed': { target: 'committing' } } },", 'deferred: {},'],
  ]),
  'waits are none': bug('scripts/simulation', [
    ['return Math.floor(random() * ceilingMs);', 'return 0;'],
  ]),
}
