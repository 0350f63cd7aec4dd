/** Names, times and hashes as they are shown. */
import { age, visible } from '../../../page/text.ts'
import type { Hour, Project } from './types.ts'

export const LANE_NAMES: readonly (readonly [string, string])[] = [
  ['planned', 'Planned'],
  ['claimed', 'Claimed'],
  ['in_progress', 'In progress'],
  ['for_review', 'For review'],
  ['in_review', 'In review'],
  ['approved', 'Approved'],
  ['done', 'Done'],
  ['blocked', 'Blocked'],
  ['canceled', 'Canceled'],
]
/** Shown where there is something in them alone. */
export const RARE_LANES: ReadonlySet<string> = new Set([
  'blocked',
  'canceled',
  'claimed',
  'in_review',
  'approved',
])

export function laneName(lane: string): string {
  if (lane === 'genesis') return 'New'
  return LANE_NAMES.find(([id]) => id === lane)?.[1] ?? visible(lane)
}

/** A name, or an object that holds one. */
export function actorName(actor: unknown): string {
  if (typeof actor === 'string') return visible(actor)
  if (typeof actor !== 'object' || actor === null) return 'somebody'
  const fields = actor as Readonly<Record<string, unknown>>
  const named = [fields['display_name'], fields['actor_id'], fields['name'], fields['tool']]
  const name = named.find((one) => typeof one === 'string' && one !== '')
  return typeof name === 'string' ? visible(name) : 'somebody'
}

export function projectName({
  slug,
  project_uuid,
}: Pick<Project, 'slug' | 'project_uuid'>): string {
  return slug === null || slug === '' ? `project ${project_uuid.slice(0, 8)}` : visible(slug)
}

/** `3 min ago`, `5 h ago`, of what a clock elsewhere wrote. */
export function ago(time: string, now: number): string {
  const ms = now - Date.parse(time)
  if (Number.isNaN(ms)) return visible(time)
  if (ms < 5_000) return 'just now'
  if (ms < 3_600_000) return `${age(ms)} ago`
  if (ms < 48 * 3_600_000) return `${Math.floor(ms / 3_600_000)} h ago`
  return `${Math.floor(ms / 86_400_000)} days ago`
}

const FULL = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

export function fullTime(time: string): string {
  const ms = Date.parse(time)
  return Number.isNaN(ms) ? visible(time) : FULL.format(ms)
}

export function shortHash(hash: string): string {
  return visible(hash.slice(0, 8))
}

/** How much there was in each of the last `count` spans of time, oldest first. */
export function spans(
  hours: readonly Hour[],
  of: (hour: Hour) => number,
  {
    count,
    hoursEach,
    now,
  }: { readonly count: number; readonly hoursEach: number; readonly now: number },
): readonly number[] {
  const length = hoursEach * 3_600_000
  const end = (Math.floor(now / 3_600_000) + 1) * 3_600_000
  const sums = Array.from({ length: count }, () => 0)
  for (const hour of hours) {
    const back = Math.ceil((end - Date.parse(hour.at)) / length)
    const at = count - back
    if (at >= 0 && at < count) sums[at] = (sums[at] ?? 0) + of(hour)
  }
  return sums
}
