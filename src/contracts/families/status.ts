/**
 * The moves of work packages between lanes. A forced move says why; one to `approved` or `done` brings evidence. Who moved
 * it is a word or an object of any keys, and never decides whether the payload is valid. Which moves are legal is the table
 * in `wire-transition.ts`. Source: the event contracts.
 */
import { z } from 'zod'
import {
  anyText,
  closed,
  flag,
  list,
  literal,
  oneOf,
  open,
  openRecord,
  optional,
  ruled,
  shared,
  text,
  when,
} from '../values/fields.ts'
import { NOT_BLANK, isBlank } from '../values/scalars.ts'
import { EXECUTION_MODES } from '../ledgers/status-record.ts'
import { lane } from '../wire-lanes.ts'

const repoEvidence = shared(
  'RepoEvidence',
  open({ repo: text, branch: text, commit: text, files_touched: optional(list(anyText)) }),
)

const verificationEntry = shared(
  'VerificationEntry',
  open({ command: text, result: text, summary: optional(anyText) }),
)

const reviewVerdict = shared(
  'ReviewVerdict',
  open({ reviewer: text, verdict: text, reference: optional(anyText) }),
)

const doneEvidence = shared(
  'DoneEvidence',
  open({
    repos: list(repoEvidence, 1),
    verification: list(verificationEntry).default([]),
    review: reviewVerdict,
  }),
)

shared('ForceMetadata', open({ force: literal(true).default(true), actor: text, reason: text }))

const actorObject = ruled(
  openRecord,
  (actor) => (Object.keys(actor).length > 0 ? [] : [{ path: [], message: 'an actor is empty' }]),
  { minProperties: 1 },
)

const transition = closed({
  mission_slug: text,
  wp_id: text,
  from_lane: optional(lane),
  to_lane: lane,
  actor: z.union([z.string().regex(new RegExp(NOT_BLANK)), actorObject]),
  force: flag.default(false),
  reason: optional(anyText),
  execution_mode: oneOf(...EXECUTION_MODES),
  review_ref: optional(anyText),
  evidence: optional(doneEvidence),
})

export const status = {
  WPStatusChanged: ruled(
    transition,
    ({ force, reason, to_lane, evidence }) => [
      ...(force && (reason === null || isBlank(reason))
        ? [{ path: ['reason'], message: 'a forced move says why' }]
        : []),
      ...(evidence === null && (to_lane === 'approved' || to_lane === 'done')
        ? [{ path: ['evidence'], message: `${to_lane} needs evidence` }]
        : []),
    ],
    {
      allOf: [
        when(
          { properties: { force: { const: true } }, required: ['force'] },
          { properties: { reason: { type: 'string', pattern: NOT_BLANK } }, required: ['reason'] },
        ),
        when(
          { properties: { to_lane: { enum: ['approved', 'done'] } }, required: ['to_lane'] },
          { properties: { evidence: { type: 'object' } }, required: ['evidence'] },
        ),
      ],
    },
  ),
}

const NAMING_KEYS = ['profile', 'role', 'display_name', 'actor_id']

/** How an actor is shown: the word itself, or the first of its naming keys that says something. */
export function actorLabel(actor: string | Readonly<Record<string, unknown>>): string {
  if (typeof actor === 'string') return actor
  const named = NAMING_KEYS.map((key) => (Object.hasOwn(actor, key) ? actor[key] : undefined))
  const label = [...named, ...Object.values(actor)].find(
    (value) => typeof value === 'string' && value !== '',
  )
  return typeof label === 'string' ? label : 'unknown'
}
