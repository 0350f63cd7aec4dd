// What is made from the logs of a mission, held against them by the code that made it: its snapshot, the seeds of the glossary.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SNAPSHOT, STATUS } from '../mission-files.mjs'

export async function derivedFaults(world) {
  return [...(await snapshotFaults(world)), ...(await seedFaults(world))]
}

/** The snapshot is what the log folds to, in the worktree and in the branch; and each move goes on from the one before. */
async function snapshotFaults(world) {
  const rows = world.rows(STATUS)
  if (rows.length === 0) return []
  const { verifyStatus } = await import('../../dist/contracts/ledgers/verify-status.js')
  const { parseStatusLines } = await import('../../dist/workers/git/logs/status-lines.js')
  const { readSnapshotMeta } = await import('../../dist/project/missions/mission-meta.js')
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
async function seedFaults(world) {
  const { checkGlossary, findingsOf } = await import('../../dist/read-glossary.js')
  const { foldGlossary } = await import('../../dist/contracts/ledgers/fold-glossary.js')
  const { readGlossaryLogs } = await import('../../dist/workers/git/logs/glossary-log.js')
  const { readSeeds } = await import('../../dist/project/glossary-seed.js')
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
