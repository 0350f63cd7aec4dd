// What the rows of a mission's logs, and all that is made of them, must say together: one row, one entry, one event.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { DECISIONS, SNAPSHOT, STATUS } from './mission-files.mjs'

const ANSWERED = 'DecisionInputAnswered'
const RESOLVED = 'GlossaryClarificationResolved'
const MOVED = 'WPStatusChanged'
/** Rows of which the team is told by an event under the row's own id. */
const TOLD = new Set(['WPCreated', MOVED, 'GlossaryClarificationRequested', RESOLVED])

/** Every row is whole and there once; every answer and every move is in the branch. */
export function recordFaults(world) {
  const faults = []
  const logs = { decisions: world.rows(DECISIONS), status: world.rows(STATUS) }
  for (const [name, rows] of Object.entries({ ...logs, glossary: world.glossary() })) {
    if (rows.includes(null)) faults.push(`a line of the ${name} is no record`)
    faults.push(...doubled(rows.map((row) => row?.event_id)).map((id) => `${id} stands twice`))
  }
  const answers = logs.decisions.filter((row) => row?.event_type === ANSWERED)
  const answered = doubled(answers.map((row) => row.payload.decision_id))
  if (answered.length > 0) faults.push('a decision is answered twice')
  const resolutions = world.glossary().filter((row) => row?.event_type === RESOLVED)
  const resolved = doubled(resolutions.map((row) => row.conflict_id))
  if (resolved.length > 0) faults.push('a clarification is resolved twice')
  for (const [name, wanted] of [
    [DECISIONS, answers],
    [STATUS, logs.status],
  ]) {
    const held = new Set(world.rowsAt(world.branch, name).map((row) => row?.event_id))
    const loose = wanted.filter((row) => !held.has(row?.event_id))
    if (loose.length > 0) faults.push(`${loose.length} rows of ${name} are in no commit`)
  }
  return faults
}

/** The snapshot is what the log folds to, in the worktree and in the branch; and each move goes on from the one before. */
export async function snapshotFaults(world) {
  const rows = world.rows(STATUS)
  if (rows.length === 0) return []
  const { verifyStatus } = await import('../dist/contracts/verify-status.js')
  const { parseStatusLines } = await import('../dist/workers/git/status-lines.js')
  const { readSnapshotMeta } = await import('../dist/project/mission-meta.js')
  const text = readFileSync(join(world.worktree, world.pathOf(SNAPSHOT)), 'utf8')
  const log = parseStatusLines(readFileSync(join(world.worktree, world.pathOf(STATUS))))
  const meta = readSnapshotMeta(world.root, world.mission)
  const { anomalies, snapshot } = verifyStatus(log.rows, text, meta)
  const faults = anomalies.map(({ kind, line }) => `status log, line ${line}: ${kind}`)
  if (snapshot.state !== 'current') faults.push(`the snapshot is ${snapshot.state}`)
  if (world.textAt(world.branch, SNAPSHOT) !== text) faults.push("the branch's snapshot is another")
  const shown = JSON.parse(text).work_packages
  const laneByPackage = Object.fromEntries(
    rows.flatMap((row) => (row?.to_lane === undefined ? [] : [[row.wp_id, row.to_lane]])),
  )
  for (const [wp_id, lane] of Object.entries(laneByPackage)) {
    if (shown[wp_id]?.lane !== lane) faults.push(`the snapshot has ${wp_id} in another lane`)
  }
  return faults
}

/** The files of the scopes hold what the log says, and nothing else. */
export async function seedFaults(world) {
  const { checkGlossary, findingsOf } = await import('../dist/read-glossary.js')
  const { foldGlossary } = await import('../dist/contracts/fold-glossary.js')
  const { readGlossaryLogs } = await import('../dist/workers/git/glossary-log.js')
  const { readSeeds } = await import('../dist/project/glossary-seed.js')
  const faults = [...findingsOf(checkGlossary({ root: world.root }))]
  const { senses } = foldGlossary(
    new Map(),
    readGlossaryLogs(world.root).logs.flatMap(({ rows }) => rows),
  )
  const entries = [...readSeeds(world.root)].flatMap(([scope, reading]) =>
    reading.state === 'read'
      ? reading.seed.entries.map((one) => `${scope} ${one?.surface} ${one?.definition}`)
      : [],
  )
  const said = [...senses.values()].map((one) => `${one.scope} ${one.surface} ${one.definition}`)
  if (entries.sort().join('\n') !== said.sort().join('\n')) {
    faults.push(`the files have ${entries.length} entries, the log gives ${said.length}`)
  }
  return faults
}

/** Every row that is told of has its one event in the outbox, and every such event its row. */
export function queueFaults(world) {
  const rows = [...world.rows(STATUS), ...world.glossary()]
  const told = rows.filter((row) => TOLD.has(row?.event_type ?? MOVED))
  const rowIds = told.map((row) => row?.event_id)
  const eventIds = queuedIn(world)
    .filter(({ event_type }) => TOLD.has(event_type))
    .map(({ event_id }) => event_id)
  const faults = doubled(eventIds).map((id) => `the event ${id} is queued twice`)
  const [isRow, isQueued] = [new Set(rowIds), new Set(eventIds)]
  const unqueued = rowIds.filter((id) => !isQueued.has(id))
  const stray = eventIds.filter((id) => !isRow.has(id))
  if (unqueued.length > 0) faults.push(`${unqueued.length} rows have no event`)
  if (stray.length > 0) faults.push(`${stray.length} events have no row`)
  return faults
}

/** The events of the outbox, in the order in which they came. */
export function queuedIn({ state }) {
  const projects = join(state, 'projects')
  const found = existsSync(projects) ? readdirSync(projects) : []
  return found.flatMap((name) => {
    const database = new Database(join(projects, name, 'outbox.db'), { readonly: true })
    try {
      return database
        .prepare('SELECT body FROM event ORDER BY sequence')
        .pluck()
        .all()
        .map((body) => JSON.parse(body))
    } finally {
      database.close()
    }
  })
}

function doubled(ids) {
  return [...new Set(ids.filter((id, at) => id !== undefined && ids.indexOf(id) !== at))]
}
