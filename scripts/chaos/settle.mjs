// Brings a world to rest, and looks at everything that is left: stores, repositories, the hub's data.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

const DRAIN_S = 60
const DRAIN_TRIES = 5

/** Delivers what waits, as its user would. Answers what could not be. */
export async function drain(world) {
  const faults = []
  for (const project of world.projects) {
    // Whatever a crash kept from the outbox or from a branch, the next writing command does.
    await world.ok(project.root, ['emit', 'HistoryAdded', '--payload', LAST_WORD])
    if (project.consent === 'never') continue
    const undelivered = await deliver(world, project)
    if (undelivered !== null) faults.push(`${project.name}: sync now says ${undelivered}`)
  }
  return faults
}

const LAST_WORD = '{"wp_id":"WP01","entry_type":"note","author":"agent","entry_content":"at rest"}'

/** Null once nothing waits any more, else what the last try said. */
async function deliver(world, { root, consent }) {
  let said = null
  for (let tries = 0; tries < DRAIN_TRIES; tries += 1) {
    const args = ['sync', 'now', '--timeout', String(DRAIN_S)]
    const env = { KITTIWAKE_AUTO_START: '0' }
    const { code, documents } = await world.run(root, args, { env })
    // What was recorded without consent, or waited when it was withdrawn, stays here until its user releases it.
    const isHeld = consent === 'changing' && documents[0]?.reason === 'held'
    if (code === 0 || isHeld) return null
    said = `${code}: ${JSON.stringify(documents[0] ?? null)}`
  }
  return said
}

/** Doctor, git and the hub's own look at itself, once nothing runs any more. Answers what they found. */
export async function examine(world) {
  await world.run(world.folder, ['sync', 'stop'])
  const looks = world.projects.map((project) => examineProject(world, project))
  const faults = (await Promise.all(looks)).flat()
  await world.signalHub('SIGTERM')
  const args = ['hub', 'verify', '--data', world.dataDir]
  const { code, documents } = await world.run(world.folder, args)
  return code === 0 ? faults : [...faults, `hub verify: ${JSON.stringify(documents)}`]
}

async function examineProject(world, { name, root }) {
  const { documents } = await world.run(root, ['doctor'])
  const failed = documents[0]?.checks?.filter(({ state }) => state === 'failed') ?? ['no answer']
  const faults = failed.map((check) => `${name}: doctor: ${JSON.stringify(check)}`)
  try {
    world.git(root, 'fsck', '--strict', '--no-dangling')
  } catch (error) {
    faults.push(`${name}: git fsck: ${error.stderr}`)
  }
  return faults
}

/** The rows of the hub's data; it must not serve. */
export function hubRows(world) {
  const db = new Database(join(world.dataDir, 'hub.db'), { readonly: true })
  try {
    const columns = 'event_id, project_uuid, node_id, lamport_clock, body'
    return {
      events: db.prepare(`SELECT ${columns} FROM events ORDER BY seq`).all(),
      commits: db.prepare('SELECT project_uuid, git_hash FROM commits ORDER BY seq').all(),
    }
  } finally {
    db.close()
  }
}

/** The files beneath a folder that hold one of the words; empty is good. */
export function filesWith(folder, words) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  return files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((path) => {
      const bytes = readFileSync(path)
      const found = words.filter((word) => bytes.includes(word))
      return found.map((word) => `${word} stands in ${path.slice(folder.length + 1)}`)
    })
}
