/** What is handed to the door of work packages: its shapes, checked before and after it is sanitized. */
import { z } from 'zod'
import { checkInput } from './checked-input.ts'
import { laneOf, LANES, type Lane } from './contracts/ledgers/lanes.ts'
import { EXECUTION_MODES, VERDICTS } from './contracts/ledgers/status-record.ts'
import { InputError } from './errors.ts'

export type PackageCreation = {
  /** Directory name, slug or ULID. */
  readonly mission: string
  /** `WP` and one or two digits. */
  readonly wp_id: string
  readonly title?: string
  readonly depends_on?: readonly string[]
  readonly actor?: string
}

export type PackageMove = {
  readonly mission: string
  readonly wp_id: string
  /** A lane; `doing` stands for `in_progress`. */
  readonly to: string
  readonly actor?: string | z.infer<typeof structuredActor>
  readonly reason?: string
  /** Past the table and its guards; asks for a reason. */
  readonly force?: boolean
  readonly review_ref?: string
  readonly evidence?: z.infer<typeof evidence>
  readonly review_result?: z.infer<typeof reviewResult>
  /** Where the work is done; by default as the mission's topology says. */
  readonly execution_mode?: 'worktree' | 'direct_repo'
}

const TEXT_MAX = 64 * 1024
const text = z.string().min(1).max(TEXT_MAX)
const name = z.string().min(1).max(256)
const word = z.string().max(256).nullable()
const structuredActor = z.strictObject({ role: word, profile: word, tool: word, model: word })
const reviewResult = z.strictObject({
  reviewer: name,
  verdict: z.enum(VERDICTS),
  reference: text,
  feedback_path: text.nullable().optional(),
})
const evidence = z.strictObject({
  review: z.strictObject({ reviewer: name, verdict: name, reference: text.nullable() }),
  repos: z
    .array(
      z.strictObject({
        repo: name,
        branch: name,
        commit: name,
        files_touched: z.array(text).max(10_000).nullable().optional(),
      }),
    )
    .max(64)
    .optional(),
  verification: z
    .array(z.strictObject({ command: text, result: text, summary: text.nullable().optional() }))
    .max(256)
    .optional(),
})
const creationSchema = z.strictObject({
  mission: name,
  wp_id: name,
  title: text.optional(),
  depends_on: z.array(name).max(64).optional(),
  actor: name.optional(),
})
const moveSchema = z.strictObject({
  mission: name,
  wp_id: name,
  to: name,
  actor: z.union([name, structuredActor]).optional(),
  reason: text.optional(),
  force: z.boolean().optional(),
  review_ref: text.optional(),
  evidence: evidence.optional(),
  review_result: reviewResult.optional(),
  execution_mode: z.enum(EXECUTION_MODES).optional(),
})

/** @throws InputError MOVE_INVALID, which names the fields and never quotes them */
export const checkCreation = (value: unknown): z.infer<typeof creationSchema> =>
  checked(creationSchema, value)
/** @throws InputError MOVE_INVALID, which names the fields and never quotes them */
export const checkMove = (value: unknown): z.infer<typeof moveSchema> => checked(moveSchema, value)

/** `WP1`, `wp01` and `WP01` are one package. @throws InputError WP_ID */
export function packageId(input: string): string {
  const digits = /^wp(\d{1,2})$/i.exec(input.trim())?.[1]
  if (digits !== undefined && Number(digits) > 0) return `WP${digits.padStart(2, '0')}`
  throw new InputError('WP_ID', 'the id of a work package is WP and two digits', {
    hint: 'For example WP01.',
  })
}

/** @throws InputError LANE_UNKNOWN */
export function laneNamed(input: string): Lane {
  const lane = laneOf(input)
  if (lane !== null) return lane
  throw new InputError('LANE_UNKNOWN', 'a lane is expected', {
    hint: `One of ${LANES.join(', ')}.`,
  })
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  return checkInput(schema, value, (why) => {
    const hint = 'See `kittiwake wp create --help` and `kittiwake wp move --help`.'
    return new InputError('MOVE_INVALID', `this can't be asked of a work package: ${why}`, { hint })
  })
}
