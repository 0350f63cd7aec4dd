/** Holds a diff to a map of occurrences: what is listed is done, what is to be kept is there, and there is nothing else. */
import { about, linesOf, oddityOf, shown, violation } from './check-ruled-edit.ts'
import { verdictOfPath } from './bulk-edit-rules.ts'
import type { Finding } from './bulk-edit-rules.ts'
import type { FileChange, Hunk } from '../git/git-diff.ts'
import { grouped } from './grouped.ts'
import type { Listed, ListedMap } from './occurrence-map.ts'
import { spelled } from './term.ts'

/** The lines of one path; `isWhole`: all of them. */
type Lines = {
  readonly isWhole: boolean
  readonly numbers: ReadonlySet<number>
  readonly category: string
}

/** `folder` is the mission's own, below the root. */
export function checkListedEdit(
  map: ListedMap,
  folder: string,
  files: readonly FileChange[],
): readonly Finding[] {
  const removals = byPath(map.removals)
  const keeps = byPath(map.keeps)
  const terms = spelled(map.term, map.related)
  const found = files.flatMap((file): readonly Finding[] => {
    const whole = verdictOfPath(map, folder, file.path)
    if (whole !== null) return [{ ...about(file), ...whole, lines: [], count: 0 }]
    return ofFile(file, removals.get(file.path), keeps.get(file.path), terms)
  })
  return [...found, ...undone(map.removals, files)]
}

function ofFile(
  file: FileChange,
  removal: Lines | undefined,
  keep: Lines | undefined,
  terms: readonly string[],
): readonly Finding[] {
  if (keep?.isWhole === true) return [violation(file, 'kept_line', [])]
  const isGone = file.status === 'D' && removal?.isWhole === true && keep === undefined
  if (isGone) return [listed(file, removal.category, [])]
  if (file.status === 'A') return [violation(file, 'added', [])]
  const odd = oddityOf(file)
  if (odd !== null) return [violation(file, odd, [])]
  if (file.hunks.length === 0) return [violation(file, 'deleted', [])]
  return file.hunks.flatMap((hunk) => ofHunk(file, hunk, removal, keep, terms))
}

function ofHunk(
  file: FileChange,
  hunk: Hunk,
  removal: Lines | undefined,
  keep: Lines | undefined,
  terms: readonly string[],
): readonly Finding[] {
  const { removed, added } = linesOf(hunk)
  const numberOf = (at: number): number => hunk.removedFrom + at
  const kept = removed.filter((_, at) => keep?.numbers.has(numberOf(at)) === true)
  const named = removed.filter((line, at) => isIn(removal, numberOf(at)) && !kept.includes(line))
  const others = removed.filter((line) => !kept.includes(line) && !named.includes(line))
  const again = added.filter(({ text }) => terms.some((term) => text.includes(term)))
  const extra = added.slice(removed.length).filter((line) => !again.includes(line))
  return [
    ...(named.length === 0 ? [] : [listed(file, removal?.category ?? '', named)]),
    ...(kept.length === 0 ? [] : [violation(file, 'kept_line', kept)]),
    ...(others.length === 0 ? [] : [violation(file, 'unlisted_line', others)]),
    ...(again.length === 0 ? [] : [violation(file, 'term_added', again)]),
    ...(extra.length === 0 ? [] : [violation(file, 'extra_addition', extra)]),
  ]
}

function listed(file: FileChange, category: string, lines: Parameters<typeof shown>[0]): Finding {
  return {
    ...about(file),
    category,
    action: null,
    verdict: 'allowed',
    reason: 'listed',
    ...shown(lines),
  }
}

/** What is listed and stands there as before. */
function undone(removals: readonly Listed[], files: readonly FileChange[]): readonly Finding[] {
  const removed = new Map(
    files.map(({ path, status, hunks }) => [
      path,
      {
        isGone: status === 'D',
        numbers: new Set(
          hunks.flatMap((hunk) => hunk.removed.map((_, at) => hunk.removedFrom + at)),
        ),
      },
    ]),
  )
  const left = removals.filter(({ path, line }) => {
    const done = removed.get(path)
    return line === null ? done?.isGone !== true : done?.numbers.has(line) !== true
  })
  return left.map(({ path, line, category }) => ({
    path,
    status: null,
    category,
    action: null,
    verdict: 'violation',
    reason: 'not_done',
    lines: line === null ? [] : [`-${line}`],
    count: 1,
  }))
}

function byPath(entries: readonly Listed[]): ReadonlyMap<string, Lines> {
  const groups = grouped(entries, ({ path }) => path)
  return new Map(
    [...groups].map(([path, group]) => [
      path,
      {
        isWhole: group.some(({ line }) => line === null),
        numbers: new Set(group.flatMap(({ line }) => (line === null ? [] : [line]))),
        category: group[0]?.category ?? '',
      },
    ]),
  )
}

function isIn(lines: Lines | undefined, number: number): boolean {
  return lines !== undefined && (lines.isWhole || lines.numbers.has(number))
}
