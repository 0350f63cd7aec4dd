import { relative, resolve, sep } from 'node:path'
import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { Finding } from '../../project/bulk-edit/bulk-edit-rules.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { isInside } from '../../project/files/safe-path.ts'
import type { Repository } from '../../project/types.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns, oneLine } from '../output.ts'

/** Rows that people are shown; `--json` has them all. */
const ROWS_SHOWN = 200

abstract class BulkEditCommand extends KittiwakeCommand {
  mission = Option.String('--mission', {
    description: 'Directory name, slug or ULID; default the one bulk edit',
  })

  override get safety(): Safety {
    return 'safe'
  }

  protected async locate(): Promise<Repository> {
    const { locateRepository } = await import('../../project/git/locate.ts')
    return locateRepository(this.context.cwd)
  }
}

export class BulkEditPlanCommand extends BulkEditCommand {
  static override paths = [['bulk-edit', 'plan']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Bulk edits',
    description: 'Find a term in all its spellings, and draft the map of a bulk edit',
    details:
      'The draft is printed; `--write` makes it the `occurrence_map.yaml` of a mission that has none. It has a rule for each kind of occurrence, or with `--listed` each occurrence by path and line. Files that are binary or too large are named.',
    examples: [
      ['Where a term stands', 'kittiwake bulk-edit plan fooBar'],
      [
        'The map of a mission',
        'kittiwake bulk-edit plan fooBar --replacement quxBar --mission renaming --write',
      ],
    ],
  })

  term = Option.String({ required: true, name: 'TERM' })
  replacement = Option.String('--replacement', { description: 'What it becomes; default: it goes' })
  listed = Option.Boolean('--listed', false, { description: 'List each occurrence of --mission' })
  write = Option.Boolean('--write', false, { description: 'Make the draft the map of --mission' })

  override get safety(): Safety {
    return this.write ? 'unsafe' : 'safe'
  }

  async run(): Promise<Result> {
    const { term, write, listed } = this
    if ((write || listed) && this.mission === undefined) {
      const option = write ? '--write' : '--listed'
      throw new UsageError('MISSION_MISSING', `${option} needs the mission that the map is for`, {
        hint: 'Name it with `--mission`; `kittiwake mission list` shows which there are.',
      })
    }
    const { planBulkEdit, writeBulkEditPlan } = await import('../../bulk-edit-plan.ts')
    const { readMission } = await import('../../project/missions/missions.ts')
    const repository = await this.locate()
    const mission = this.mission === undefined ? null : await readMission(repository, this.mission)
    const { map, files, occurrences, counts, opaque, unread } = await planBulkEdit(repository, {
      term,
      replacement: this.replacement ?? null,
      listedFor: listed ? mission : null,
      progress: (done, all) => this.progress(`scanned ${done} of ${counted(all, 'file')}`),
    })
    for (const { path, reason } of opaque) this.warn('FILE_OPAQUE', `${path}: ${reason}`)
    if (unread > 0) this.warn('FILE_OPAQUE', `${counted(unread, 'file')} could not be scanned`)
    const written = write && mission !== null ? writeBulkEditPlan(repository, mission, map) : null
    return {
      fields: { term, files, occurrences, counts, opaque, unread, map, written },
      text:
        written === null
          ? map.trimEnd()
          : `${counted(occurrences, 'occurrence')} in ${counted(files, 'file')}; the draft is ${written}.`,
    }
  }
}

export class BulkEditCheckCommand extends BulkEditCommand {
  static override paths = [['bulk-edit', 'check']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Bulk edits',
    description: 'Hold a diff to the map of a bulk edit; reads only',
    details: `Of what HEAD has changed since it parted from the mission's target branch. Exit code ${EXIT.failed} says that something is not as the map says.`,
    examples: [
      ['The branch that is checked out', 'kittiwake bulk-edit check'],
      ['Two commits', 'kittiwake bulk-edit check --base main --head lane-1'],
    ],
  })

  base = Option.String('--base', { description: "Default the mission's target branch" })
  head = Option.String('--head', 'HEAD', { description: 'Default HEAD' })

  async run(): Promise<Result> {
    const { checkBulkEdit } = await import('../../project/bulk-edit/bulk-edit.ts')
    const { mission, isDeclared, map, base, head, findings, warnings } = await checkBulkEdit(
      await this.locate(),
      { mission: this.mission ?? null, base: this.base ?? null, head: this.head },
    )
    for (const warning of warnings) this.warn('MAP_KEY_UNKNOWN', warning)
    const count = (verdict: Finding['verdict']): number =>
      findings.filter((one) => one.verdict === verdict).length
    const [violations, toReview] = [count('violation'), count('warning')]
    const passed = violations === 0
    return {
      fields: {
        passed,
        mission_slug: mission.directory,
        declared: isDeclared,
        shape: map.shape,
        base,
        head,
        violations,
        to_review: toReview,
        allowed: count('allowed'),
        findings,
      },
      text: [
        tableOf(findings),
        `Commits ${base.slice(0, 10)}..${head.slice(0, 10)}; what is not committed was not looked at.`,
        `${counted(findings.length, 'finding')}: ${counted(violations, 'violation')}, ${toReview} to review.`,
      ]
        .filter((part) => part !== '')
        .join('\n'),
      exit: passed ? EXIT.ok : EXIT.failed,
    }
  }
}

export class BulkEditExplainCommand extends BulkEditCommand {
  static override paths = [['bulk-edit', 'explain']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Bulk edits',
    description: 'Show how the map of a bulk edit sees a path, and each of its lines; reads only',
    examples: [['A file', 'kittiwake bulk-edit explain src/names.ts']],
  })

  named = Option.String({ required: true, name: 'PATH' })

  async run(): Promise<Result> {
    const { explainPath, openBulkEdit } = await import('../../project/bulk-edit/bulk-edit.ts')
    const repository = await this.locate()
    const edit = await openBulkEdit(repository, this.mission ?? null)
    const { worktree } = repository
    const path = pathBelow(worktree, resolve(this.context.cwd, this.named))
    const explained = explainPath(worktree, edit, path)
    const { category, rule, lines } = explained
    return {
      fields: { mission_slug: edit.mission.directory, ...explained },
      text: columns([
        ['path', path],
        ['kind', category ?? 'none fits'],
        ['rule', rule === null ? 'its lines decide' : `${rule.verdict} (${rule.reason})`],
        ...explained.pinned.map((field) => ['field that stays', field]),
        ...lines.map((one) => [
          `line ${one.line}`,
          `${one.category ?? 'none fits'}: ${one.verdict} (${one.reason})`,
        ]),
      ]),
    }
  }
}

/** @throws UsageError PATH_OUTSIDE */
function pathBelow(root: string, path: string): string {
  const way = relative(root, path)
  if (way !== '' && isInside(root, path)) return way.replaceAll(sep, '/')
  throw new UsageError('PATH_OUTSIDE', 'a path inside of this checkout is expected')
}

/** What is wrong first. */
function tableOf(findings: readonly Finding[]): string {
  const order: readonly Finding['verdict'][] = ['violation', 'warning', 'allowed']
  const sorted = order.flatMap((verdict) => findings.filter((one) => one.verdict === verdict))
  const rows = sorted
    .slice(0, ROWS_SHOWN)
    .map(({ verdict, reason, category, action, path, lines, count }) => [
      verdict,
      reason,
      category ?? '',
      action ?? '',
      oneLine(path),
      `${lines.slice(0, 5).join(' ')}${count > 5 ? ` of ${count}` : ''}`,
    ])
  const hidden = sorted.length - rows.length
  return `${columns(rows)}${hidden > 0 ? `\n${hidden} more: see \`--json\`.` : ''}`
}
