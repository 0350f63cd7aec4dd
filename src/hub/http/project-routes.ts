/** The projects of a team, what happened in one before a place, and when how much happened. */
import { ACTIVITY_ROWS_MAX, FEED_BYTES_MAX, PAGE_ROWS_MAX } from '../limits.ts'
import { beforeIn, limitIn, projectOf } from './query.ts'
import type { Visit } from './visit.ts'
import { numberedFrame } from '../links/shown.ts'

export function listProjects({ desk, session }: Visit): string {
  const projects = desk.store.projects.ofTeam(session.team)
  return JSON.stringify({
    projects: projects.map(({ slug, last_at, ...project }) => ({
      ...project,
      // Whatever a writer put there.
      slug: typeof slug === 'string' ? slug : null,
      last_at: last_at === null ? null : new Date(last_at).toISOString(),
    })),
  })
}

/** The frames that a subscriber would have been shown, in order. `next` leads on into the past; 0 where there is no more. */
export function listFeed(visit: Visit): string {
  const [before, rowsMax] = [beforeIn(visit.query), limitIn(visit.query, PAGE_ROWS_MAX)]
  const { project_id, project_uuid, forgotten } = projectOf(visit)
  const rows = visit.desk.store.recent(project_id, { rowsMax, bytesMax: FEED_BYTES_MAX }, before)
  const frames = rows.map((row) => numberedFrame(row, project_uuid))
  const first = rows[0]?.project_seq ?? 0
  return `{"feed":[${frames.join(',')}],"next":${first > forgotten + 1 ? first : 0}}`
}

/** The commits that were not seen pushed, the latest of them. */
export function listLocalOnly(visit: Visit): string {
  const { project_id, project_uuid } = projectOf(visit)
  const bounds = { rowsMax: PAGE_ROWS_MAX, bytesMax: FEED_BYTES_MAX }
  const rows = visit.desk.store.localOnly(project_id, bounds)
  const whole = rows.filter(({ body }) => body !== '')
  const commits = whole.map((row) => numberedFrame(row, project_uuid)).join(',')
  return `{"commits":[${commits}],"is_cut":${rows.length >= PAGE_ROWS_MAX}}`
}

/** By hours that had any, as the hub received it. */
export function showActivity(visit: Visit): string {
  const { project_id } = projectOf(visit)
  const { hours, isCut } = visit.desk.store.projects.activity(project_id)
  const told = hours.map(({ hour, ...counts }) => {
    return { at: new Date(hour * 3_600_000).toISOString(), ...counts }
  })
  return JSON.stringify({ hours: told, rows_max: ACTIVITY_ROWS_MAX, is_cut: isCut })
}
