/** What a map says of a path before any of its lines is looked at; of rules that both shapes have, the first that fits. */
import { matchesGlob } from './path-glob.ts'
import { isNarrow, MAP_NAME } from './occurrence-map.ts'
import type { Action, ListedMap, RuledMap } from './occurrence-map.ts'

export type Verdict = 'allowed' | 'warning' | 'violation'

/** Why; stable. */
export type Reason =
  | 'exception'
  | 'move'
  | 'structural_target'
  | 'bookkeeping'
  | 'map_changed'
  | 'field_pinned'
  | 'category'
  | 'manual_review'
  | 'user_visible_only'
  | 'do_not_change'
  | 'category_missing'
  | 'unclassified'
  | 'unrelated'
  | 'not_only_renamed'
  | 'binary'
  | 'type_changed'
  | 'mode_changed'
  | 'submodule'
  | 'added'
  | 'deleted'
  | 'listed'
  | 'unlisted_line'
  | 'kept_line'
  | 'extra_addition'
  | 'term_added'
  | 'not_done'

export type Finding = {
  readonly path: string
  /** As git says it; null where the path is not changed at all. */
  readonly status: 'A' | 'D' | 'M' | 'T' | null
  readonly category: string | null
  readonly action: Action | null
  readonly verdict: Verdict
  readonly reason: Reason
  /** `-12` in the version before, `+12` in the one after; the first of them. */
  readonly lines: readonly string[]
  /** How many lines there are. */
  readonly count: number
}

export type PathVerdict = Pick<Finding, 'verdict' | 'reason' | 'action'>

/** What tools of the mission write while it goes on. */
const BOOKKEEPING =
  /^(?:(?:status|decisions)\.events\.jsonl|status\.json|meta\.json|lanes\.json|issue-matrix\.md|acceptance-matrix\.json|notes\.md|tasks(?:\/[^/]+)?\.md|(?:.*\/)?review-cycle-[^/]*\.md)$/

/** `folder` is the mission's own, below the root. Null where only the lines can tell. */
export function verdictOfPath(
  map: RuledMap | ListedMap,
  folder: string,
  path: string,
): PathVerdict | null {
  const exception = map.exceptions.find((one) => one.field === null && covers(one.path, path))
  if (exception !== undefined) {
    const { action } = exception
    const verdict = action === 'do_not_change' ? 'violation' : 'allowed'
    return { verdict, reason: 'exception', action }
  }
  const isMoved = map.moves.some(({ from, to }) => [...from, to].some((one) => covers(one, path)))
  if (isMoved) return { verdict: 'allowed', reason: 'move', action: null }
  if (map.structuralTargets.some((one) => isNarrow(one) && matchesGlob(one, path))) {
    return { verdict: 'warning', reason: 'structural_target', action: null }
  }
  if (!path.startsWith(`${folder}/`)) return null
  const name = path.slice(folder.length + 1)
  if (name === MAP_NAME) return { verdict: 'warning', reason: 'map_changed', action: null }
  return BOOKKEEPING.test(name) ? { verdict: 'allowed', reason: 'bookkeeping', action: null } : null
}

/** Fields of the path that are to stay as they are; whether they did is for a person to see. */
export function pinnedFields(map: RuledMap | ListedMap, path: string): readonly string[] {
  return map.exceptions.flatMap(({ path: pattern, field }) =>
    field !== null && covers(pattern, path) ? [field] : [],
  )
}

/** What a change in a category comes to. */
export function verdictOfCategory(map: RuledMap, category: string | null): PathVerdict {
  if (category === null) return { verdict: 'violation', reason: 'unclassified', action: null }
  const action = map.actionByCategory.get(category)
  if (action === undefined) {
    return { verdict: 'violation', reason: 'category_missing', action: null }
  }
  if (action === 'do_not_change') return { verdict: 'violation', reason: 'do_not_change', action }
  if (action === 'manual_review') return { verdict: 'warning', reason: 'manual_review', action }
  if (action === 'rename_if_user_visible' && !USER_VISIBLE.has(category)) {
    return { verdict: 'warning', reason: 'user_visible_only', action }
  }
  return { verdict: 'allowed', reason: 'category', action }
}

const USER_VISIBLE: ReadonlySet<string> = new Set(['user_facing_strings', 'cli_commands'])

/** A glob, or a folder with all that is in it. */
function covers(pattern: string, path: string): boolean {
  const folder = pattern.endsWith('/') ? pattern : `${pattern}/`
  return matchesGlob(pattern, path) || (!/[*?[]/.test(pattern) && path.startsWith(folder))
}
