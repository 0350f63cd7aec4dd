// A project that a bench works in: a git repository with an identity and a mission, in a folder that is thrown away.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { requireIdentity } from '#dist/project/identity.js'
import { initProject } from '#dist/project/init.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { createMission } from '#dist/project/missions/mission-create.js'

export const MAIN = join(import.meta.dirname, '../dist/cli/main.js')
/** So that a stored event is of about 600 bytes. */
const NOTE = 'what one agent tells the others of its work '.repeat(2)

/** Gives `work` a folder that is gone afterwards. */
export async function inFolder(work) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-bench-')))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `{ root, uuid, state, mission, env }`; the mission's branch is where decisions are committed. */
export async function openProject(folder) {
  const root = join(folder, 'project')
  execFileSync('git', ['init', '-q', '-b', 'main', root])
  for (const [key, value] of [
    ['user.name', 'Bench'],
    ['user.email', 'bench@localhost'],
    // A collection in the background would be measured with whatever runs beside it.
    ['gc.auto', '0'],
  ]) {
    execFileSync('git', ['config', key, value], { cwd: root })
  }
  execFileSync('git', ['commit', '-q', '--allow-empty', '-m', 'Start'], { cwd: root })
  await initProject(root)
  const repository = await locateRepository(root)
  const { directory: mission } = await createMission(repository, { slug: 'b', topology: 'coord' })
  const state = join(folder, 'state')
  const env = { ...process.env, HOME: folder, KITTIWAKE_HOME: state, KITTIWAKE_AUTO_START: '0' }
  const { uuid } = await requireIdentity(repository)
  return { root, uuid, state, mission, env }
}

export function draft(at) {
  const payload = {
    wp_id: 'WP01',
    entry_type: 'note',
    author: 'agent',
    entry_content: `${NOTE}${at}`,
  }
  return { event_type: 'HistoryAdded', aggregate_id: 'WP01', payload }
}

/** One decision asked and answered, which is one commit. */
export async function decide(runtime, mission, at) {
  const asked = await runtime.decisions.request({ mission, question: `Question ${at}?` })
  const { decision_id } = asked
  const answered = await runtime.decisions.answer({ mission, decision_id, answer: 'Yes' })
  if (answered.commit === null) throw new Error(`not committed: ${answered.deferred_reason}`)
}

/** What stands beside the outbox: one table, and nothing but the fsync that durability asks for. */
export class RawQueue {
  #db
  #insert

  constructor(path) {
    this.#db = new Database(path)
    this.#db.pragma('journal_mode = WAL')
    this.#db.pragma('synchronous = FULL')
    this.#db.exec('CREATE TABLE event (sequence INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT')
    const insert = this.#db.prepare('INSERT INTO event (body) VALUES (?)')
    this.#insert = this.#db.transaction((bodies) => {
      for (const body of bodies) insert.run(body)
    })
  }

  /** In one transaction. */
  addAll(bodies) {
    this.#insert.immediate(bodies)
  }

  close() {
    this.#db.close()
  }
}
