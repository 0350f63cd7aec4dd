/** Holds a diff to a map of rules: each changed line is of a category, and of a rename nothing but the rename may be seen. */
import type { FileChange, Hunk } from '../git/git-diff.ts'
import { grouped } from './grouped.ts'
import { categoryOfLine } from './occurrence-category.ts'
import type { RuledMap } from './occurrence-map.ts'
import { pinnedFields, verdictOfCategory, verdictOfPath } from './bulk-edit-rules.ts'
import type { Finding, Reason } from './bulk-edit-rules.ts'
import { isRenamed, replaceTerm, spellings } from './term.ts'
import type { Spellings } from './term.ts'

/** Of each finding. */
export const LINES_SHOWN = 20

type Line = { readonly label: string; readonly text: string }

/** `folder` is the mission's own, below the root. */
export function checkRuledEdit(
  map: RuledMap,
  folder: string,
  files: readonly FileChange[],
): readonly Finding[] {
  const isRename = map.replacement !== null && map.operation !== 'remove'
  const pairs = isRename ? spellings(map.term, map.replacement) : null
  const renamed = pairs === null ? new Map<string, FileChange>() : renamedFiles(files, pairs)
  const targets = new Set([...renamed.values()].map(({ path }) => path))
  return files.flatMap((file) => {
    const whole = verdictOfPath(map, folder, file.path)
    if (whole !== null) return [{ ...about(file), ...whole, ...NO_LINES }]
    const pinned = pinnedFields(map, file.path)
    const pins: readonly Finding[] =
      pinned.length === 0
        ? []
        : [
            {
              ...about(file),
              action: null,
              verdict: 'warning',
              reason: 'field_pinned',
              lines: pinned,
              count: pinned.length,
            },
          ]
    const target = renamed.get(file.path)
    if (target !== undefined) return [...pins, ...ofRename(map, file, target, pairs)]
    // Told of with the path that it had before.
    if (targets.has(file.path)) return pins
    return [...pins, ...ofFile(map, file, pairs)]
  })
}

function ofFile(map: RuledMap, file: FileChange, pairs: Spellings | null): readonly Finding[] {
  const odd = oddityOf(file)
  if (odd !== null) return [violation(file, odd, [])]
  if (pairs !== null && file.status === 'D') return [violation(file, 'deleted', [])]
  if (pairs !== null && file.status === 'A') return [violation(file, 'added', [])]
  const findings = file.hunks.flatMap((hunk) => ofHunk(map, file, hunk, pairs))
  // An empty file that comes or goes has no lines to tell by.
  if (file.hunks.length === 0) {
    const category = categoryOfLine(file.path, '')
    return [{ ...about(file), ...verdictOfCategory(map, category), category, ...NO_LINES }]
  }
  return merged(findings)
}

/** What no rule on lines can speak for. */
export function oddityOf(file: FileChange): Reason | null {
  if (file.isSubmodule) return 'submodule'
  if (file.status === 'T') return 'type_changed'
  if (file.isBinary) return 'binary'
  return file.isModeChanged ? 'mode_changed' : null
}

function ofHunk(
  map: RuledMap,
  file: FileChange,
  hunk: Hunk,
  pairs: Spellings | null,
): readonly Finding[] {
  const { removed, added } = linesOf(hunk)
  const extra = pairs === null ? NOTHING_EXTRA : extraIn(removed, added, pairs)
  const isExtra = new Set([...extra.unrelated, ...extra.changed])
  const related = [...removed, ...added].filter((line) => !isExtra.has(line))
  const byCategory = grouped(related, ({ text }) => categoryOfLine(file.path, text))
  return [
    ...[...byCategory].map(([category, lines]) => ({
      ...about(file),
      ...verdictOfCategory(map, category),
      category,
      ...shown(lines),
    })),
    ...(extra.unrelated.length === 0 ? [] : [violation(file, 'unrelated', extra.unrelated)]),
    ...(extra.changed.length === 0 ? [] : [violation(file, 'not_only_renamed', extra.changed)]),
  ]
}

/** A file whose name has the term: its path is a path, and its lines are compared with those under the new name. */
function ofRename(
  map: RuledMap,
  from: FileChange,
  to: FileChange,
  pairs: Spellings | null,
): readonly Finding[] {
  const category = 'filesystem_paths'
  const path: Finding = {
    ...about(from),
    ...verdictOfCategory(map, category),
    category,
    ...NO_LINES,
  }
  const odd = oddityOf(from) ?? oddityOf(to)
  if (odd !== null) return [path, violation(from, odd, [])]
  const [before, after] = [from.hunks[0], to.hunks[0]]
  if (before === undefined || after === undefined) return [path]
  const hunks = changedOnly({ ...before, added: after.added, addedFrom: after.addedFrom })
  return merged([path, ...hunks.flatMap((hunk) => ofHunk(map, from, hunk, pairs))])
}

/** The parts that differ, of a hunk that holds two whole files. */
function changedOnly({ removed, added, removedFrom, addedFrom }: Hunk): readonly Hunk[] {
  if (removed.length === added.length) {
    return removed.flatMap((line, at) =>
      line === added[at]
        ? []
        : [
            {
              removed: [line],
              added: added.slice(at, at + 1),
              removedFrom: removedFrom + at,
              addedFrom: addedFrom + at,
            },
          ],
    )
  }
  const most = Math.min(removed.length, added.length)
  let head = 0
  while (head < most && removed[head] === added[head]) head += 1
  let tail = 0
  while (tail < most - head && removed.at(-1 - tail) === added.at(-1 - tail)) tail += 1
  return [
    {
      removed: removed.slice(head, removed.length - tail),
      added: added.slice(head, added.length - tail),
      removedFrom: removedFrom + head,
      addedFrom: addedFrom + head,
    },
  ]
}

function renamedFiles(files: readonly FileChange[], pairs: Spellings): Map<string, FileChange> {
  const added = new Map(
    files.filter(({ status }) => status === 'A').map((file) => [file.path, file]),
  )
  const renamed = new Map<string, FileChange>()
  for (const { path, status } of files) {
    const to = status === 'D' ? replaceTerm(path, pairs) : path
    const target = added.get(to)
    if (to !== path && target !== undefined) renamed.set(path, target)
  }
  return renamed
}

type Extra = {
  /** Have nothing to do with the term. */
  readonly unrelated: readonly Line[]
  /** Have the term, and changed beside it. */
  readonly changed: readonly Line[]
}

const NOTHING_EXTRA: Extra = { unrelated: [], changed: [] }

function extraIn(removed: readonly Line[], added: readonly Line[], pairs: Spellings): Extra {
  const terms = [...pairs.keys()]
  const hasOld = ({ text }: Line): boolean => terms.some((term) => text.includes(term))
  const hasNew = ({ text }: Line): boolean => [...pairs.values()].some((one) => text.includes(one))
  const wanted = ({ text }: Line): string => squeezed(replaceTerm(text, pairs))
  if (isReformatted(removed, added, pairs) && removed.some(hasOld)) return NOTHING_EXTRA
  if (removed.length === added.length) {
    const odd = removed.flatMap((line, at) => {
      const other = added[at]
      if (other === undefined || line.text === other.text) return []
      const isRelated = hasOld(line)
      if (isRelated && isRenamed(line.text.trim(), other.text.trim(), pairs)) return []
      return [{ lines: [line, other], isRelated }]
    })
    const pick = (isRelated: boolean): readonly Line[] =>
      odd.filter((one) => one.isRelated === isRelated).flatMap(({ lines }) => lines)
    return { unrelated: pick(false), changed: pick(true) }
  }
  const expected = new Set(removed.map(wanted))
  const stays = new Set(added.map(({ text }) => squeezed(text)))
  return {
    unrelated: [
      ...removed.filter((line) => !hasOld(line) && !stays.has(squeezed(line.text))),
      ...added.filter((line) => !hasNew(line) && !expected.has(squeezed(line.text))),
    ],
    changed: [],
  }
}

/** A longer name may have moved the ends of lines. */
function isReformatted(
  removed: readonly Line[],
  added: readonly Line[],
  pairs: Spellings,
): boolean {
  if (removed.length === added.length) return false
  const whole = (lines: readonly Line[]): string => squeezed(lines.map(({ text }) => text).join(''))
  return isRenamed(whole(removed), whole(added), pairs)
}

/** Without white space and commas, which a formatter moves. */
function squeezed(text: string): string {
  return text.replaceAll(/[\s,]+/g, '')
}

export function linesOf({ removed, added, removedFrom, addedFrom }: Hunk) {
  return {
    removed: removed.map((text, at) => ({ label: `-${removedFrom + at}`, text })),
    added: added.map((text, at) => ({ label: `+${addedFrom + at}`, text })),
  }
}

/** One finding for all lines of a file that are the same matter. */
function merged(findings: readonly Finding[]): readonly Finding[] {
  const groups = grouped(findings, ({ category, reason }) => `${reason} ${category ?? ''}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    const lines = group.flatMap((one) => one.lines).slice(0, LINES_SHOWN)
    const count = group.reduce((sum, one) => sum + one.count, 0)
    return first === undefined ? [] : [{ ...first, lines, count }]
  })
}

const NO_LINES = { lines: [], count: 0 }

export function about({ path, status }: FileChange) {
  return { path, status, category: null }
}

export function violation(file: FileChange, reason: Reason, lines: readonly Line[]): Finding {
  return { ...about(file), action: null, verdict: 'violation', reason, ...shown(lines) }
}

export function shown(lines: readonly Line[]) {
  return { lines: lines.slice(0, LINES_SHOWN).map(({ label }) => label), count: lines.length }
}
