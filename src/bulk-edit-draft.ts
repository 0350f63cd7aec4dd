/** The map of a bulk edit as it is drafted, in either shape: each decision in it is a suggestion. */
import { stringify } from 'yaml'
import { CATEGORIES } from './project/bulk-edit/occurrence-category.ts'
import type { Category } from './project/bulk-edit/occurrence-category.ts'
import type { Action } from './project/bulk-edit/occurrence-map.ts'
import { spelled } from './project/bulk-edit/term.ts'
import type { Mission } from './project/types.ts'
import type { FoundLine } from './workers/bulk/scan-files.ts'

export type FoundByCategory = ReadonlyMap<string, readonly FoundLine[]>

export const UNCLASSIFIED = 'unclassified'
/** Of each category, in a draft of rules; the count tells of all. */
const LISTED_MAX = 1_000

/** What is usually right; a person decides. */
const SUGGESTED: Readonly<Record<Category, Action>> = {
  code_symbols: 'rename',
  import_paths: 'rename',
  filesystem_paths: 'manual_review',
  serialized_keys: 'do_not_change',
  cli_commands: 'manual_review',
  user_facing_strings: 'rename_if_user_visible',
  tests_fixtures: 'rename',
  logs_telemetry: 'do_not_change',
}

/** A rule for each kind of occurrence. */
export function draftRules(
  term: string,
  replacement: string | null,
  byCategory: FoundByCategory,
): string {
  const categories = CATEGORIES.map((name) => {
    const all = byCategory.get(name) ?? []
    const listed = all.slice(0, LISTED_MAX).map(({ path, line }) => `${path}:${line}`)
    return [name, { action: SUGGESTED[name], count: all.length, occurrences: listed }]
  })
  const unknown = new Set((byCategory.get(UNCLASSIFIED) ?? []).map(({ path }) => path))
  const map = {
    target: { term, operation: replacement === null ? 'remove' : 'rename', replacement },
    categories: Object.fromEntries(categories) as object,
    exceptions: [...unknown].slice(0, LISTED_MAX).map((path) => ({
      path,
      action: 'manual_review',
      reason: 'No kind fits this path: decide for it here.',
    })),
  }
  const words = `# A draft: each action is a suggestion. Lines are told as PATH:LINE, and PATH:0 is the path itself.\n`
  return words + stringify(map, { lineWidth: 0, compat: 'yaml-1.1' })
}

/** Each occurrence by path and line. A path that has the term is no line: it is told in a comment, for `moves`. */
export function draftList(
  term: string,
  mission: Pick<Mission, 'directory' | 'mission_id'>,
  byCategory: FoundByCategory,
): string {
  const names = [...CATEGORIES, UNCLASSIFIED]
  const categories = names.flatMap((name) => {
    const found = (byCategory.get(name) ?? []).filter(({ line }) => line > 0)
    return found.length === 0 ? [] : [[name, listOf(name, found)] as const]
  })
  const count = (kind: 'remove' | 'keep'): number =>
    categories.reduce((sum, [, lists]) => sum + lists[kind].length, 0)
  const map = {
    mission_id: mission.mission_id,
    mission_slug: mission.directory,
    target_string: term,
    related_strings: spelled(term).filter((one) => one !== term),
    generated_at: new Date().toISOString(),
    categories: Object.fromEntries(categories),
    totals: { remove_count: count('remove'), keep_count: count('keep') },
  }
  const paths = [...byCategory.values()].flat().filter(({ line }) => line === 0)
  const words = [
    '# A draft: what is below `remove` and what below `keep` is a suggestion.',
    ...paths.map(({ path }) => `# The path itself has the term, for \`moves\`: ${commented(path)}`),
  ]
  return `${words.join('\n')}\n${stringify(map, { lineWidth: 0, compat: 'yaml-1.1' })}`
}

function listOf(name: string, found: readonly FoundLine[]) {
  const action = CATEGORIES.some((known) => known === name) ? SUGGESTED[name as Category] : null
  const isRemoved = action === 'rename' || action === 'rename_if_user_visible'
  const reason = action === null ? 'No kind fits this path' : `A line of the kind ${name}`
  const entries = found.map(({ path, line }) => ({ path, line, reason }))
  if (isRemoved) return { remove: entries, keep: [] }
  const keep_reason =
    action === 'do_not_change' ? 'What others read may depend on it' : 'Decide for it by hand'
  return { remove: [], keep: entries.map((entry) => ({ ...entry, keep_reason })) }
}

/** No name may end the comment. */
function commented(path: string): string {
  return JSON.stringify(path).replaceAll(/[\u0085\u2028\u2029]/g, '?')
}
