// Commands that change the data of a hub, as data for the sweeps.
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ask, databaseFaults, newFile, newPath, NODE } from './kill-places.mjs'

const TEAM = 'coast'
/** Stands in every event of the project that is deleted. */
const CANARY = 'quillwort-that-is-swept'
export const EVENTS = 20
const DAY_MS = 86_400_000
export const HUB_DATABASE = 'hub.db'
/** Without what a row was emptied by. */
const OLD_SCHEMA = 5
const OLD_EVENT = '01J00000000000000000000001'

/** As `APART`. */
export const AT_HUBS = {
  'hub token create': {
    take: (world) => join(world.home, 'hub'),
    args: (_, data) => ['hub', 'token', 'create', '--team', TEAM, '--user', 'u', '--data', data],
    next: ['the same'],
    left: (_, data, document) => missing(data, 'secrets', 'token_id', document?.token_id),
    check: hubFaults,
  },
  'hub token rotate': {
    take: token,
    args: (_, { data, id }) => ['hub', 'token', 'rotate', id, '--data', data],
    next: ['the same'],
    check: async (world, { data, id }) => [
      ...missing(data, 'secrets', 'token_id', id),
      ...(await hubFaults(world, data)),
    ],
  },
  'hub token revoke': {
    take: token,
    args: (_, { data, id }) => ['hub', 'token', 'revoke', id, '--data', data],
    next: ['the same'],
    left: (_, { data, id }, document) => (document === null ? [] : stillGood(data, id)),
    check: async (world, { data, id }) => [
      ...stillGood(data, id),
      ...(await hubFaults(world, data)),
    ],
  },
  'hub webhook create': {
    take: (world) => filled(world),
    args: (_, { data, uuid }) => ['hub', 'webhook', 'create', ...projectOf(uuid), '--data', data],
    next: ['the same'],
    left: (_, { data }, document) => missing(data, 'webhooks', 'webhook_id', document?.webhook_id),
    check: (world, { data }) => hubFaults(world, data),
  },
  'hub webhook revoke': {
    take: async (world) => {
      const { createWebhook } = await import('../dist/hub/access/webhooks.js')
      const { data, uuid } = await filled(world)
      const { webhook_id } = createWebhook({ dataDir: data, team: TEAM, project: uuid })
      return { data, id: webhook_id }
    },
    args: (_, { data, id }) => ['hub', 'webhook', 'revoke', id, '--data', data],
    next: ['the same'],
    check: async (world, { data, id }) => [
      ...missing(data, "webhooks WHERE secret = ''", 'webhook_id', id),
      ...(await hubFaults(world, data)),
    ],
  },
  'hub backup': {
    take: async (world) => ({ ...(await filled(world)), out: newFile(world, 'backup') }),
    args: (_, { data, out }) => ['hub', 'backup', '--data', data, '--out', out],
    next: ['the same'],
    refused: 'HUB_BACKUP_EXISTS',
    // What has its name is whole, or somebody will rely on a half.
    left: (_, { out }, document) =>
      document === null && !existsSync(out) ? [] : eventFaults(out, EVENTS),
    check: async (world, { data, out }) => [
      ...(await hubFaults(world, data)),
      ...eventFaults(out, EVENTS),
    ],
  },
  'hub restore': {
    take: async (world) => {
      const { backupHub } = await import('../dist/hub/upkeep/backup.js')
      const made = await filled(world)
      const backup = `${newPath(world, 'backup')}.db`
      backupHub(made.data, backup)
      await fill(made, CANARY, Date.now())
      return { ...made, backup }
    },
    args: (_, { data, backup }) => {
      return ['hub', 'restore', '--from', backup, '--data', data, '--yes']
    },
    next: ['the same'],
    left: (_, { data }, document) => {
      const [count] = counted(data)
      const expected = document === null ? [EVENTS, 2 * EVENTS] : [EVENTS]
      return expected.includes(count) ? [] : [`the hub holds ${count} events`]
    },
    check: async (world, { data }) => [
      ...eventFaults(join(data, HUB_DATABASE), EVENTS),
      ...(await hubFaults(world, data)),
      ...strays(data),
    ],
  },
  'hub restore of what hubs share': {
    take: async (world) => {
      const { HubStore } = await import('../dist/hub/data/store.js')
      const [from, data] = [newPath(world, 'hub'), newPath(world, 'hub')]
      new HubStore(from, 'shared').close()
      mkdirSync(data)
      return { data, backup: join(from, HUB_DATABASE) }
    },
    args: (world, subject) => AT_HUBS['hub restore'].args(world, subject),
    next: ['the same'],
    // It goes into a folder without data alone.
    refused: 'HUB_DATA_SHARED',
    left: (_, { data }, document) =>
      document === null && !existsSync(join(data, HUB_DATABASE))
        ? []
        : tableFaults(join(data, HUB_DATABASE)),
    check: async (world, { data }) => [...(await hubFaults(world, data)), ...strays(data)],
  },
  'hub delete': {
    take: (world) => filled(world),
    args: (_, { data, uuid }) => ['hub', 'delete', ...projectOf(uuid), '--data', data, '--yes'],
    next: ['the same'],
    refused: 'HUB_PROJECT_UNKNOWN',
    left: (_, { data }, document) => (document === null ? [] : holding(data)),
    check: async (world, { data }) => [...holding(data), ...(await hubFaults(world, data))],
  },
  'hub retain': {
    take: (world) => filled(world, Date.now() - 9 * DAY_MS),
    args: (_, { data }) => ['hub', 'retain', '--keep-days', '1', '--data', data, '--yes'],
    next: ['the same'],
    left: (_, { data }, document) => (document === null ? [] : holding(data)),
    check: async (world, { data }) => [
      ...holding(data),
      ...eventFaults(join(data, HUB_DATABASE), EVENTS),
      ...(await hubFaults(world, data)),
    ],
  },
  'hub export': {
    take: async (world) => ({ ...(await filled(world)), out: newFile(world, 'export') }),
    args: (_, { data, uuid, out }) => {
      return ['hub', 'export', ...projectOf(uuid), '--data', data, '--out', out]
    },
    next: ['the same'],
    refused: 'EXPORT_EXISTS',
    left: (_, { out }, document) => lineFaults(out, EVENTS, document),
    check: (_, { out }) => lineFaults(out, EVENTS, {}),
  },
  'hub serve': {
    take: (world) => newPath(world, 'hub'),
    args: (_, data) => serve(data),
    isServing: true,
    next: ['the same'],
    check: hubFaults,
  },
  'hub serve with data of an older schema': {
    take: (world) => older(world),
    args: (_, { data }) => serve(data),
    isServing: true,
    next: ['the same'],
    check: olderFaults,
  },
  'hub token create with data of an older schema': {
    take: (world) => older(world),
    args: (world, { data }) => AT_HUBS['hub token create'].args(world, data),
    next: ['the same'],
    check: olderFaults,
  },
}

/** A file of lines: whole where it has its name, and there where somebody was told so. */
export function lineFaults(path, count, document) {
  if (!existsSync(path)) return document === null ? [] : [`${path} is not there`]
  const text = readFileSync(path, 'utf8')
  const lines = text.split('\n')
  const isWhole = lines.length === count + 1 && lines.at(-1) === ''
  return isWhole ? [] : [`${path} has ${lines.length - 1} lines of ${count}`]
}

function serve(data) {
  return ['hub', 'serve', '--port', '0', '--data', data]
}

function projectOf(uuid) {
  return ['--team', TEAM, '--project', uuid]
}

async function token(world) {
  const { issueToken } = await import('../dist/hub/access/tokens.js')
  const data = newPath(world, 'hub')
  const { token_id } = issueToken({ dataDir: data, team: TEAM, user: 'u' })
  return { data, id: token_id }
}

/** A folder of a hub with the events of a project, taken at such a time. */
export async function filled(world, at = Date.now()) {
  const made = { data: newPath(world, 'hub'), uuid: randomUUID() }
  await fill(made, CANARY, at)
  return made
}

async function fill({ data, uuid }, word, at) {
  const { HubStore } = await import('../dist/hub/data/store.js')
  const { ulid } = await import('ulid')
  const store = new HubStore(data)
  const entries = Array.from({ length: EVENTS }, (_, clock) => {
    const event_id = ulid()
    const body = JSON.stringify({ event_id, event_type: 'NoteTaken', payload: { word } })
    const place = { team: TEAM, project_uuid: uuid, node_id: NODE, lamport_clock: clock + 1 }
    return { kind: 'event', ...place, event_id, body }
  })
  store.insertAll([{ entries, at }])
  store.close()
}

/** What an older program left: its tables, and one event. */
async function older(world) {
  const { APPLICATION_ID } = await import('../dist/hub/data/database.js')
  const { hashOf } = await import('../dist/hub/data/row-content.js')
  const { STEPS } = await import('../dist/hub/data/schema.js')
  const data = newPath(world, 'hub')
  mkdirSync(data)
  const db = new Database(join(data, HUB_DATABASE))
  db.pragma('journal_mode = WAL')
  for (const step of STEPS.slice(0, OLD_SCHEMA)) db.exec(step)
  db.pragma(`application_id = ${APPLICATION_ID}`)
  db.pragma(`user_version = ${OLD_SCHEMA}`)
  const uuid = randomUUID()
  db.prepare('INSERT INTO projects VALUES (1, ?, ?, 1)').run(TEAM, uuid)
  const body = JSON.stringify({ event_id: OLD_EVENT })
  const row = [TEAM, OLD_EVENT, uuid, NODE, hashOf(body), Date.now(), body]
  db.prepare('INSERT INTO events VALUES (1, ?, ?, ?, ?, 1, ?, ?, ?, 1, 1)').run(row)
  db.close()
  return { data }
}

async function olderFaults(world, { data }) {
  const sql = 'SELECT event_id FROM events JOIN projects USING (project_id) WHERE forgotten = 0'
  const isThere = ask(join(data, HUB_DATABASE), sql).includes(OLD_EVENT)
  return [...(isThere ? [] : ['the event is lost']), ...(await hubFaults(world, data))]
}

export async function hubFaults(world, subject) {
  const data = subject.data ?? subject
  const { code, document } = await world.attempt(['hub', 'verify', '--data', data])
  return code === 0 ? [] : [`the hub is not whole: ${JSON.stringify(document ?? null)}`]
}

function missing(data, table, column, value) {
  if (value === undefined) return []
  const found = ask(join(data, HUB_DATABASE), `SELECT ${column} FROM ${table}`)
  return found.includes(value) ? [] : [`${value} is not known`]
}

function stillGood(data, id) {
  const [count] = ask(
    join(data, HUB_DATABASE),
    'SELECT count(*) FROM secrets WHERE token_id = ?',
    id,
  )
  return count === 0 ? [] : [`${id} is still good`]
}

function counted(data) {
  return ask(join(data, HUB_DATABASE), 'SELECT count(*) FROM events')
}

export function eventFaults(path, count) {
  const damage = databaseFaults(path)
  if (damage.length > 0) return damage
  const [found] = ask(path, 'SELECT count(*) FROM events')
  return found === count ? [] : [`${path} has ${found} events of ${count}`]
}

function tableFaults(path) {
  const damage = databaseFaults(path)
  if (damage.length > 0) return damage
  const [tables] = ask(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'")
  return tables === 1 ? [] : [`${path} is empty`]
}

/** Files that hold what is gone. */
function holding(data) {
  return readdirSync(data)
    .filter((name) => readFileSync(join(data, name)).includes(CANARY))
    .map((name) => `${name} holds what was deleted`)
}

/** Work that is left in a folder. */
export function strays(data) {
  return readdirSync(data)
    .filter((name) => /^(?:restore|migrate)-/.test(name))
    .map((name) => `left: ${name}`)
}
