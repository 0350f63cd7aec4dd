/** What the hub shows of a project's ledgers: its missions, their boards, the timeline of decisions, the glossary. */
import { mentions } from '../fold-ledgers.ts'
import { projectOf, stretchIn, textIn } from './query.ts'
import { RequestFault } from './request-body.ts'
import type { Visit } from './visit.ts'

export function listMissions(visit: Visit): string {
  const { project_id } = projectOf(visit)
  const { missions, lines_seq } = visit.desk.folds.missions(project_id)
  return JSON.stringify({
    missions: missions.map(({ received_at, ...mission }) => {
      return { ...mission, received_at: new Date(received_at).toISOString() }
    }),
    lines_seq,
  })
}

/** A mission without status rows has an empty board; one that the project has no rows of is not there. */
export function showBoard(visit: Visit): string {
  const name = textIn(visit.query, 'mission')
  if (name === null) throw new RequestFault(400, 'BAD_REQUEST', 'mission is expected')
  const { project_id } = projectOf(visit)
  const { folds } = visit.desk
  const known = folds.missions(project_id).missions.find(({ mission }) => mission === name)
  if (known === undefined) {
    throw new RequestFault(404, 'NOT_FOUND', 'the project has no such mission here')
  }
  const { mission, mission_id } = known
  const { text } = folds.board(project_id, name)
  return `${JSON.stringify({ mission, mission_id }).slice(0, -1)},${text.slice(1)}`
}

/** Searched before it is parted: `after` counts what was found. */
export function listDecisions(visit: Visit): string {
  const { after, limit } = stretchIn(visit.query)
  const [mission, text] = [textIn(visit.query, 'mission'), textIn(visit.query, 'q')]
  const { project_id } = projectOf(visit)
  const { decisions, ...told } = visit.desk.folds.timeline(project_id, mission)
  const found = text === null ? decisions : decisions.filter((one) => mentions(one, text))
  const page = found.slice(after, after + limit)
  const next = after + page.length
  return JSON.stringify({ decisions: page, next, total: found.length, ...told })
}

export function showGlossary(visit: Visit): string {
  const { project_id } = projectOf(visit)
  return visit.desk.folds.glossary(project_id)
}
