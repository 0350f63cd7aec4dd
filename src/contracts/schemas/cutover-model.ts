/** The shape of the cutover artifact, for who reads it as a file. */
import { z } from 'zod'
import { anyText, closed, count, list, oneOf, text } from '../values/fields.ts'

const version = z.string().regex(/^\d+\.\d+\.\d+$/)

export const CUTOVER_MODEL = closed({
  artifact_version: version,
  release_version: version,
  signal_field_name: text,
  signal_location: oneOf('event_envelope', 'payload', 'artifact_only'),
  cutover_contract_version: text,
  accepted_major: count,
  forbidden_legacy_keys: list(anyText),
  forbidden_legacy_event_names: list(anyText),
  forbidden_legacy_aggregate_names: list(anyText),
  forbidden_legacy_contract_surfaces: list(anyText).default([]),
})
