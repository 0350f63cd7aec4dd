// Commands that change another repository, its outbox or the login, as data for the sweeps.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import {
  configured,
  EMIT,
  knowingHub,
  NODE,
  project,
  repository,
  settingFaults,
  storeFaults,
  wholeFaults,
} from './kill-places.mjs'

const TOKEN = 'a-token-that-is-swept'
const HUB = { origin: 'https://hub.example.org', team: 'team', epoch: 'first' }
const OLD_SCHEMA = fileURLToPath(new URL('../test/support/schema-1.sql', import.meta.url))
const OLD_EVENT = '01J00000000000000000000001'
const NEXT = ['the same', 'an event']

/** As `WRITING`; `cwd` is where it is run, and `check` says what is wrong once the next command has healed. */
export const APART = {
  init: {
    take: (world) => repository(world),
    cwd: (_, root) => root,
    args: () => ['init'],
    next: NEXT,
    check: async (world, root) => [
      ...(await oneIdentity(world, root)),
      ...wholeFaults(world, root),
    ],
  },
  'mission create': {
    take: (world) => project(world),
    cwd: (_, { root }) => root,
    args: () => ['mission', 'create', 'second'],
    next: NEXT,
    left: (world, { root }, document) =>
      document === null ? [] : missionFaults(world, root, document),
    check: (world, { root }) => wholeFaults(world, root),
  },
  'hooks install': {
    take: (world) => configured(world),
    cwd: (_, { root }) => root,
    args: () => ['hooks', 'install'],
    next: ['the same'],
    left: (world, { root }) => settingFaults(world, root),
    check: async (world, { root }) => {
      const { document } = await world.attempt(['hooks', 'status'], {}, { cwd: root })
      const missing = (document?.parts ?? [{}]).filter(({ state }) => state !== 'installed')
      return [...missing.map(({ name }) => `${name} is not installed`), ...wholeFaults(world, root)]
    },
  },
  upgrade: {
    take: async (world) => {
      const made = await project(world)
      rmSync(join(made.root, '.kittify', 'metadata.yaml'), { force: true })
      return made
    },
    cwd: (_, { root }) => root,
    args: () => ['upgrade'],
    next: ['the same'],
    check: async (world, { root }) => {
      const { code } = await world.attempt(['mission', 'create', 'later'], {}, { cwd: root })
      return [...(code === 0 ? [] : ['the project is of no use']), ...wholeFaults(world, root)]
    },
  },
  'queue retry': queued('retry'),
  'queue purge': queued('purge'),
  'emit into an old store': {
    take: async (world) => {
      const made = await project(world)
      await makeOld(world, made)
      return made
    },
    cwd: (_, { root }) => root,
    args: () => EMIT,
    next: NEXT,
    check: (world, { path }) => storeFaults(path, [OLD_EVENT]),
  },
  'auth login': {
    take: async (world) => {
      const tokenFile = join(world.home, 'token')
      writeFileSync(tokenFile, TOKEN)
      return ['--hub', await knowingHub(), '--token-file', tokenFile, '--token-store', 'file']
    },
    args: (_, given) => ['auth', 'login', ...given, '--no-opt-in'],
    next: NEXT,
    check: privateFaults,
  },
  'auth logout': {
    take: async (world) => {
      const given = await APART['auth login'].take(world)
      await world.run(APART['auth login'].args(world, given))
    },
    args: () => ['auth', 'logout'],
    next: ['the same'],
    check: ({ state }) =>
      existsSync(join(state, 'login.json')) ? ['the login is still there'] : [],
  },
}

/** A project in whose outbox two events were refused by a hub. */
function queued(name) {
  return {
    take: async (world) => {
      const made = await project(world)
      for (const _ of [1, 2]) await world.attempt(EMIT, {}, { cwd: made.root })
      const { Outbox } = await import('../dist/workers/store/outbox.js')
      const owner = { kind: 'project', uuid: made.uuid }
      const outbox = Outbox.open({ path: made.path, owner, nodeId: NODE })
      outbox.grantConsent(false)
      outbox.target(HUB)
      const refused = outbox.claim(2).rows.map(({ event_id }) => {
        return { event_id, reason: 'invalid_event', isFinal: true }
      })
      outbox.settle([], refused)
      outbox.close()
      return made
    },
    cwd: (_, { root }) => root,
    args: () => ['queue', name, ...(name === 'retry' ? ['--all'] : []), '--yes'],
    next: NEXT,
    check: (_, { path }) => storeFaults(path, []),
  }
}

/** What an outbox of the first schema was, with one event. */
async function makeOld({ state }, { uuid, path }) {
  const { APPLICATION_ID } = await import('../dist/workers/store/schema.js')
  const { rowChecksum } = await import('../dist/workers/store/row-checksum.js')
  rmSync(join(state, 'projects', uuid), { recursive: true, force: true })
  mkdirSync(join(state, 'projects', uuid), { recursive: true })
  const db = new Database(path)
  db.exec(readFileSync(OLD_SCHEMA, 'utf8'))
  db.pragma(`application_id = ${APPLICATION_ID}`)
  db.prepare("INSERT INTO owner VALUES (1, 'project', ?)").run(uuid)
  db.prepare('INSERT INTO clock VALUES (?, 1)').run(NODE)
  const body = JSON.stringify({ event_id: OLD_EVENT, lamport_clock: 1 })
  const row = [OLD_EVENT, NODE, 1, 1_000, rowChecksum(OLD_EVENT, 1, body), body]
  db.prepare('INSERT INTO event VALUES (1, ?, ?, ?, ?, ?, ?)').run(...row)
  db.prepare("INSERT INTO delivery VALUES (1, 'pending', NULL)").run()
  db.close()
}

async function oneIdentity(world, root) {
  const uuids = []
  for (const _ of [1, 2]) {
    const { document } = await world.attempt(['init'], {}, { cwd: root })
    uuids.push(document?.project?.uuid)
  }
  const isOne = uuids[0] !== undefined && uuids[0] === uuids[1]
  return isOne ? [] : [`the identity is ${uuids.join(' and ')}`]
}

/** The token stands in its file alone, which nobody else can read. */
function privateFaults({ state }) {
  const files = readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(TOKEN))
  return files.flatMap((path) => [
    ...(path === join(state, 'login.json') ? [] : [`the token is in ${path}`]),
    ...((statSync(path).mode & 0o077) === 0 ? [] : [`others may read ${path}`]),
  ])
}

/** A mission that somebody was told of has its branch and its metadata; its worktree can be made again. */
function missionFaults(world, root, { mission_slug, branch }) {
  const known = spawnSync('git', ['rev-parse', '--verify', '-q', `refs/heads/${branch}`], {
    cwd: root,
    env: world.env,
  })
  const meta = join(root, 'kitty-specs', mission_slug, 'meta.json')
  return [
    ...(known.status === 0 ? [] : [`${branch} is lost`]),
    ...(existsSync(meta) ? [] : [`${mission_slug} is lost`]),
  ]
}
