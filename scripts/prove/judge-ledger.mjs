// What the rows of a mission's logs, its branch and its outbox must say together. Each judge answers its faults.
import { rowsOf } from '../mission-files.mjs'

const ANSWERED = 'DecisionInputAnswered'
const RESOLVED = 'GlossaryClarificationResolved'
const MOVED = 'WPStatusChanged'
/** Rows of which the team is told by an event under the row's own id. */
const TOLD = new Set(['WPCreated', MOVED, 'GlossaryClarificationRequested', RESOLVED])

/** What a command said it did has its row or, where no row stands for it, its event. */
export function lostRows({ acknowledged, logs, queued }) {
  const rows = [...logs.decisions.rows, ...logs.status.rows, ...logs.glossary.rows]
  const textById = new Map([...queued, ...rows].map((row) => [row?.event_id, JSON.stringify(row)]))
  return acknowledged
    .filter(({ event_id, says }) => event_id !== null && !textById.get(event_id)?.includes(says))
    .map(({ event_id, says }) => `the row ${event_id} that says "${says}" is lost`)
}

/** Every row that is told of has its one event in the outbox, and every such event its row. */
export function queue({ logs, queued }) {
  const rows = [...logs.status.rows, ...logs.glossary.rows]
  const told = rows.filter((row) => TOLD.has(row?.event_type ?? MOVED))
  const rowIds = told.map((row) => row?.event_id)
  const eventIds = queued
    .filter(({ event_type }) => TOLD.has(event_type))
    .map(({ event_id }) => event_id)
  const [isRow, isQueued] = [new Set(rowIds), new Set(eventIds)]
  const unqueued = rowIds.filter((id) => !isQueued.has(id))
  const stray = eventIds.filter((id) => !isRow.has(id))
  return [
    ...doubles(eventIds).map((id) => `the event ${id} is queued twice`),
    ...(unqueued.length > 0 ? [`${unqueued.length} rows have no event`] : []),
    ...(stray.length > 0 ? [`${stray.length} events have no row`] : []),
  ]
}

/** Every line is a record, in the worktree and in what was committed, and no commit of ours takes one away. */
export function brokenLines({ logs, commits }) {
  const torn = Object.entries(logs)
    .filter(([, { rows }]) => rows.includes(null))
    .map(([name]) => `a line of the ${name} is no record`)
  const committed = commits.flatMap(({ isOurs, rows, lines }) => [
    ...(rows.includes(null) ? ['a commit holds a line that is no record'] : []),
    ...(isOurs && lines.some((line) => line.startsWith('-{"'))
      ? ['a commit of ours takes a row away']
      : []),
  ])
  return [...torn, ...committed]
}

/**
 * A row stands once in its log, is brought to its branch by one commit, and settles what no other has settled. A row that
 * somebody else's commit took off the branch has to come back by another one, and by no more.
 */
export function doubledRows({ logs, commits }) {
  const twice = Object.values(logs).flatMap(({ rows }) => doubles(rows.map((row) => row?.event_id)))
  const taken = countsOf(commits.flatMap((commit) => (commit.isOurs ? [] : takenAway(commit))))
  const brought = countsOf(commits.flatMap(({ rows }) => rows.map((row) => row?.event_id)))
  const inCommits = [...brought]
    .filter(([id, count]) => count > 1 + (taken.get(id) ?? 0))
    .map(([id]) => id)
  const answers = logs.decisions.rows.filter((row) => row?.event_type === ANSWERED)
  const resolutions = logs.glossary.rows.filter((row) => row?.event_type === RESOLVED)
  const isAnsweredTwice = doubles(answers.map((row) => row.payload.decision_id)).length > 0
  const isResolvedTwice = doubles(resolutions.map((row) => row.conflict_id)).length > 0
  return [
    ...twice.map((id) => `${id} stands twice`),
    ...inCommits.map((id) => `the row ${id} is in two commits`),
    ...(isAnsweredTwice ? ['a decision is answered twice'] : []),
    ...(isResolvedTwice ? ['a clarification is resolved twice'] : []),
  ]
}

/** Every answer and every move is in the branch, and each commit that was reported holds what it was reported for. */
export function uncommitted({ logs, reported }) {
  const answers = logs.decisions.rows.filter((row) => row?.event_type === ANSWERED)
  const loose = Object.entries({ decisions: answers, status: logs.status.rows }).flatMap(
    ([name, wanted]) => {
      const held = new Set(logs[name].branch.map((row) => row?.event_id))
      const count = wanted.filter((row) => !held.has(row?.event_id)).length
      return count > 0 ? [`${count} rows of ${name} are in no commit`] : []
    },
  )
  const wrong = reported.flatMap(({ commit, what, isReachable, isHeld }) => {
    if (!isReachable) return [`commit ${commit} was reported and can't be reached`]
    return isHeld ? [] : [`commit ${commit} does not hold ${what}`]
  })
  return [...loose, ...wrong]
}

function takenAway({ lines }) {
  return lines
    .filter((line) => line.startsWith('-'))
    .flatMap((line) => rowsOf(line.slice(1)).map((row) => row?.event_id))
}

function countsOf(ids) {
  const counts = new Map()
  for (const id of ids) if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

function doubles(ids) {
  const seen = new Set()
  const twice = new Set()
  for (const id of ids) {
    if (id === undefined) continue
    if (seen.has(id)) twice.add(id)
    seen.add(id)
  }
  return [...twice]
}
