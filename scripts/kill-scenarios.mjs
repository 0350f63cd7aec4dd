// The commands that the sweep kills, as data: what each is given, which thread changes the disk, and which commands heal it.
import { join } from 'node:path'
import { APART } from './kill-apart.mjs'
import { OF_FILES } from './kill-files.mjs'
import { AT_HUBS } from './kill-hub.mjs'
import { OF_LINKS } from './kill-links.mjs'
import { AT_NATS } from './kill-nats.mjs'

/** Commands that come after a dead one; each makes its arguments from the world. */
const FOLLOWERS = {
  'a request': (world) => world.requestArgs('Is it healed?'),
  'an answer': async (world) => world.answerArgs(await world.takeQuestion()),
  'a move': async (world) => moveArgs(world, await world.nextMove('WP02')),
  'a resolution': async (world) => resolveArgs(world, await world.takeTerm()),
  'an observation': (world) => ['glossary', 'observe', 'gull', '--mission', world.mission],
  'an event': () => ['emit', 'NoteTaken', '--payload', '{}'],
}

/**
 * By name: `take` makes what one command needs of the world, `args` the command from it. `thread` is where it changes the
 * disk beside the outbox, `next` names what may follow it: `the same` command, one of those above, or several. `refused` is
 * the code with which the same command is refused where the dead one had done its work.
 */
export const SCENARIOS = {
  'decision answer': {
    thread: 'git.worker',
    take: (world) => world.takeQuestion(),
    args: (world, id) => world.answerArgs(id),
    next: ['the same', 'a request', 'an answer', 'an event', 'a resolution'],
  },
  'wp move': {
    thread: 'git.worker',
    take: (world) => world.nextMove(),
    args: moveArgs,
    next: ['the same', 'an event', 'a move', 'an answer', 'an observation'],
    refused: 'TRANSITION_REFUSED',
  },
  'glossary resolve': {
    thread: 'git.worker',
    take: (world) => world.takeTerm(),
    args: resolveArgs,
    next: ['the same', 'an event', 'a request', 'a resolution', 'a move', 'an observation'],
  },
  commit: {
    thread: 'main',
    take: (world) => world.takePlan(),
    args: commitArgs,
    // Where it is refused, nothing was written that would have had to look at the branch.
    next: [['the same', 'a request'], 'a move'],
    refused: 'SAFE_COMMIT_EMPTY_CHANGESET',
  },
}

/** The other commands that write, of which the calls of the system are swept; `SCENARIOS` are among them. */
export const WRITING = {
  ...SCENARIOS,
  emit: {
    take: () => null,
    args: () => FOLLOWERS['an event'](),
    next: ['an event', 'a request'],
  },
  'decision request': {
    take: () => null,
    args: FOLLOWERS['a request'],
    next: ['the same', 'an answer'],
  },
  'glossary observe': {
    take: () => null,
    args: FOLLOWERS['an observation'],
    next: ['the same', 'a resolution'],
  },
  'glossary request': {
    take: (world) => world.newName('term'),
    args: (world, term) => requestArgs(world, term),
    next: ['an event', 'an observation'],
  },
  'wp create': {
    take: (world) => world.newName('WP'),
    args: (world, id) => ['wp', 'create', id, '--mission', world.mission],
    // As for a commit.
    next: [['the same', 'a request'], 'an event', 'a move'],
    refused: 'WP_EXISTS',
  },
  'sync opt-in': {
    take: () => null,
    args: () => ['sync', 'opt-in'],
    next: ['the same', 'an event'],
  },
  'sync opt-out': {
    take: () => null,
    args: () => ['sync', 'opt-out'],
    next: ['the same', 'an event'],
  },
  ...APART,
  ...OF_FILES,
  ...AT_HUBS,
  ...AT_NATS,
  ...OF_LINKS,
}

const READS = 'reads only'
const BACKGROUND = 'is `sync run --all` in a process of its own, which ends when it wants to'

/** The commands of which no call is swept, and why. */
export const NOT_SWEPT = {
  'auth doctor': READS,
  'auth status': READS,
  'auth whoami': READS,
  'bulk-edit check': READS,
  'bulk-edit explain': READS,
  'conformance run': READS,
  'decision list': READS,
  'decision log': READS,
  doctor: READS,
  'events types': READS,
  gate: READS,
  'glossary list': READS,
  'hooks status': READS,
  'hub dead-letters': READS,
  'hub token list': READS,
  'hub verify': READS,
  'hub webhook list': READS,
  inspect: 'serves what others do; a trace that it records is a copy, and is said to be cut',
  machines: READS,
  'mission branch-context': READS,
  'mission list': READS,
  'queue list': READS,
  'queue show': READS,
  'queue stats': READS,
  replay: READS,
  status: READS,
  'status verify': READS,
  'sync logs': READS,
  'sync restart': BACKGROUND,
  'sync start': BACKGROUND,
  'sync status': READS,
  'sync stop': 'tells a process to end, and waits for it',
  validate: READS,
  '--version': READS,
  'wp history': READS,
  'wp list': READS,
  ...('hub migrate to NATS' in AT_NATS ? {} : { 'hub migrate': 'needs a nats-server' }),
}

/** The name of the command that a scenario is of, among these; null where it is of none. */
export function commandOf(scenario, names) {
  const found = names.filter((name) => `${scenario} `.startsWith(`${name} `))
  return found.sort((one, other) => other.length - one.length)[0] ?? null
}

/** Where such a command is run, and how. */
export function placeOf(world, { scenario, subject }) {
  const { cwd, isServing = false } = WRITING[scenario]
  return { cwd: cwd?.(world, subject) ?? world.root, isServing }
}

/** The arguments of the command that comes after the dead one. */
export async function argsAfter(world, { scenario, subject }, follower) {
  if (follower === 'the same') return WRITING[scenario].args(world, subject)
  return FOLLOWERS[follower](world)
}

function moveArgs(world, { wp_id, to }) {
  return ['wp', 'move', wp_id, to, '--mission', world.mission]
}

function resolveArgs(world, { conflict_id }) {
  return ['glossary', 'resolve', conflict_id, '--mission', world.mission, '--select', '1']
}

function requestArgs(world, term) {
  const options = ['--option', 'This one', '--option', 'That one']
  return [
    'glossary',
    'request',
    term,
    '--mission',
    world.mission,
    '--question',
    'Which?',
    ...options,
  ]
}

function commitArgs(world, path) {
  return ['commit', '--mission', world.mission, '-m', 'Plan', join(world.worktree, path)]
}

/** What a document says was done: `{ event_id, says, commit, path }`, or null where it is of no such kind. */
export function acknowledgedBy(document) {
  if (document?.ok !== true) return null
  const {
    event_id,
    commit = null,
    sha,
    changed_files,
    to_lane,
    decision_id,
    conflict_id,
  } = document
  if (sha !== undefined) return { event_id: null, says: '', commit: sha, path: changed_files[0] }
  // Of what no row and no event stands for.
  if (event_id === undefined) return null
  const answer = document.committed === undefined ? decision_id : `To ${decision_id}`
  const says = to_lane ?? conflict_id ?? (decision_id === undefined ? '' : answer)
  return { event_id, says, commit, path: null }
}
