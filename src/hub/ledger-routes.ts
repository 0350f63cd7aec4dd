/** What the hub shows of a project's ledgers: its missions, their boards, the timeline of decisions, the glossary. */
import { foldGlossary } from '../contracts/fold-glossary.ts'
import type { NumberedGlossaryRow } from '../contracts/fold-glossary.ts'
import { parseGlossaryRow } from '../contracts/glossary-record.ts'
import { isJsonObject, parseJson } from '../contracts/json.ts'
import type { JsonObject } from '../contracts/json.ts'
import { foldBoard, foldTimeline, mentions } from './fold-ledgers.ts'
import { projectOf, stretchIn, textIn } from './query.ts'
import { RequestFault } from './request-body.ts'
import type { Visit } from './routes.ts'

export function listMissions(visit: Visit): string {
  const { project_id } = projectOf(visit)
  const missions = visit.desk.store.lines.missions(project_id)
  return JSON.stringify({
    missions: missions.map(({ received_at, ...mission }) => {
      return { ...mission, received_at: new Date(received_at).toISOString() }
    }),
  })
}

/** A mission without status rows has an empty board; one that the project has no rows of is not there. */
export function showBoard(visit: Visit): string {
  const name = textIn(visit.query, 'mission')
  if (name === null) throw new RequestFault(400, 'BAD_REQUEST', 'mission is expected')
  const { project_id } = projectOf(visit)
  const { lines: table } = visit.desk.store
  const known = table.missions(project_id).find(({ mission }) => mission === name)
  if (known === undefined) {
    throw new RequestFault(404, 'NOT_FOUND', 'the project has no such mission here')
  }
  const { lines, isCut } = table.read(project_id, 'status', name)
  const { mission, mission_id } = known
  return JSON.stringify({ mission, mission_id, is_cut: isCut, ...foldBoard(lines) })
}

/** Searched before it is parted: `after` counts what was found. */
export function listDecisions(visit: Visit): string {
  const { after, limit } = stretchIn(visit.query)
  const [mission, text] = [textIn(visit.query, 'mission'), textIn(visit.query, 'q')]
  const { project_id } = projectOf(visit)
  const { lines, isCut } = visit.desk.store.lines.read(project_id, 'decisions', mission)
  const { decisions, anomalies } = foldTimeline(lines)
  const inTime = decisions.toSorted(
    (a, b) => Date.parse(a.requested_at) - Date.parse(b.requested_at),
  )
  const found = text === null ? inTime : inTime.filter((decision) => mentions(decision, text))
  const page = found.slice(after, after + limit)
  const next = after + page.length
  return JSON.stringify({ decisions: page, next, total: found.length, anomalies, is_cut: isCut })
}

/** Of the clarifications that travel as events; what else a glossary holds stays in its repository. */
export function showGlossary(visit: Visit): string {
  const { project_id } = projectOf(visit)
  const { bodies, isCut } = visit.desk.store.glossaryEvents(project_id)
  const rows = bodies.flatMap((body, at) => glossaryRow(body, at + 1))
  const { clarifications, anomalies } = foldGlossary(new Map(), rows)
  const listed = [...clarifications.values()].map(({ log, ...clarification }) => {
    return { mission_id: log === '' ? null : log, ...clarification }
  })
  const open = listed.filter(({ resolution }) => resolution === null).length
  return JSON.stringify({
    open,
    clarifications: listed,
    anomalies: anomalies.map(({ kind, conflict_id, surface }) => ({ kind, conflict_id, surface })),
    is_cut: isCut,
  })
}

function glossaryRow(body: string, line: number): readonly NumberedGlossaryRow[] {
  const event = parseJson(body, body.length)
  if (!isJsonObject(event) || !isJsonObject(event['payload'])) return []
  const { payload } = event
  const row = parseGlossaryRow(rowOf(event, payload))
  if (typeof row === 'string') return []
  const { mission_id } = payload
  return [{ log: typeof mission_id === 'string' ? mission_id : '', line, row }]
}

/** As the log of a repository would have it: on the wire a resolution names a request and a meaning, and no more need be. */
function rowOf(event: JsonObject, payload: JsonObject): JsonObject {
  const { event_id = null, event_type = null, timestamp = null } = event
  const { clarification_event_id, term, scope_id, selected_meaning } = payload
  const isResolved = event_type === 'GlossaryClarificationResolved'
  const asked = isResolved ? (clarification_event_id ?? null) : event_id
  const sense =
    term === undefined || scope_id === undefined || selected_meaning === undefined
      ? null
      : { surface: term, scope: scope_id, definition: selected_meaning }
  const told = isResolved ? { selected_sense: sense } : {}
  return { conflict_id: asked, ...told, ...payload, event_id, event_type, timestamp }
}
