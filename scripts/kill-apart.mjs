// Commands that change something beside the mission, as data for the sweeps: another repository, the login, the folder of a hub.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'

const TOKEN = 'a-token-that-is-swept'
const HUB = { origin: 'https://hub.example.org', team: 'team', epoch: 'first' }
const OLD_SCHEMA = fileURLToPath(new URL('../test/support/schema-1.sql', import.meta.url))
const EMIT = ['emit', 'NoteTaken', '--payload', '{}']
const NODE = '0123456789ab'
const OLD_EVENT = '01J00000000000000000000001'
/** Locks and halves of files, in whatever folder. */
const STRAY = /(?:\.lock|\.tmp|[/\\]tmp-[^/\\]*)$/
/** Git's own, of a branch or a setting, and halves beside a hook or of a mission that nobody was told of: in nobody's way. */
const OF_NO_ONE =
  /(?:refs[/\\]heads[/\\]kitty[/\\]|\.git[/\\]config\.lock$|hooks[/\\]\.|kitty-specs[/\\][^/\\]+[/\\]\.meta\.json)/
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
    // Git writes a part of a worktree's entry by calls that no preloaded library sees, and makes sure of none of it.
    isRecordable: false,
    next: NEXT,
    check: (world, { root }) => wholeFaults(world, root),
  },
  'hooks install': {
    take: (world) => project(world),
    cwd: (_, { root }) => root,
    args: () => ['hooks', 'install'],
    next: ['the same'],
    // Git's lock of its configuration stays where git was killed over it, and is said to the user.
    refused: 'GIT_FAILED',
    check: async (world, { root }) => {
      if (existsSync(join(root, '.git', 'config.lock'))) return wholeFaults(world, root)
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
      return ['--hub', await hubUrl(), '--token-file', tokenFile, '--token-store', 'file']
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
  'hub token create': {
    take: (world) => join(world.home, 'hub'),
    args: (_, data) => ['hub', 'token', 'create', '--team', 't', '--user', 'u', '--data', data],
    next: ['the same'],
    check: hubFaults,
  },
  'hub backup': {
    take: async (world) => {
      const data = join(world.home, 'hub')
      await world.run(APART['hub token create'].args(world, data))
      return { data, out: join(world.home, `backup-${(backups += 1)}.db`) }
    },
    args: (_, { data, out }) => ['hub', 'backup', '--data', data, '--out', out],
    next: ['the same'],
    refused: 'HUB_BACKUP_EXISTS',
    check: async (world, { data, out }) => [
      ...(await hubFaults(world, data)),
      ...databaseFaults(out),
    ],
  },
  'hub serve': {
    take: (world) => join(world.home, `hub-${(backups += 1)}`),
    args: (_, data) => ['hub', 'serve', '--port', '0', '--data', data],
    isServing: true,
    next: ['the same'],
    check: hubFaults,
  },
}

let backups = 0
let repositories = 0
let hub = null

function repository(world) {
  const root = join(world.home, `repository-${(repositories += 1)}`)
  execFileSync('git', ['init', '-q', '-b', 'main', root], { env: world.env })
  writeFileSync(join(root, 'README.md'), '# Another\n')
  world.git(root, 'add', '.')
  world.git(root, 'commit', '-q', '-m', 'Start')
  return root
}

/** A repository with an identity, and where its outbox is. */
async function project(world) {
  const root = repository(world)
  const { document } = await world.attempt(['init'], {}, { cwd: root })
  const { uuid } = document.project
  return { root, uuid, path: join(world.state, 'projects', uuid, 'outbox.db') }
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

/** Native git has nothing to say, and nothing half is left. */
function wholeFaults(world, root) {
  const complaints = [['fsck', '--strict', '--no-dangling'], ['status'], ['worktree', 'list']]
  const said = complaints.flatMap((args) => {
    const { status, stderr } = spawnSync('git', args, {
      cwd: root,
      env: world.env,
      encoding: 'utf8',
    })
    return status === 0 ? [] : [`git ${args[0]}: ${stderr.trim()}`]
  })
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return [
    ...said,
    ...names
      .filter((name) => STRAY.test(name) && !OF_NO_ONE.test(name))
      .map((name) => `left: ${name}`),
  ]
}

function storeFaults(path, ids) {
  const damage = databaseFaults(path)
  if (damage.length > 0) return damage
  const db = new Database(path, { readonly: true })
  const found = new Set(db.prepare('SELECT event_id FROM event').pluck().all())
  db.close()
  return ids.filter((id) => !found.has(id)).map((id) => `${id} is lost`)
}

function databaseFaults(path) {
  if (!existsSync(path)) return [`${path} is not there`]
  const db = new Database(path, { readonly: true })
  try {
    const [{ integrity_check: said }] = db.pragma('integrity_check')
    return said === 'ok' ? [] : [`${path}: ${said}`]
  } catch (error) {
    return [`${path}: ${error.code}`]
  } finally {
    db.close()
  }
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

async function hubFaults(world, data) {
  const { code, document } = await world.attempt(['hub', 'verify', '--data', data])
  return code === 0 ? [] : [`the hub is not whole: ${JSON.stringify(document ?? null)}`]
}

/** Knows whoever comes; it holds no process up. */
async function hubUrl() {
  hub ??= await new Promise((resolve) => {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ team_slug: 'coast', user: 'keeper', expires_at: null }))
    })
    server.listen(0, '127.0.0.1', () => resolve(server)).unref()
  })
  return `http://127.0.0.1:${hub.address().port}`
}
