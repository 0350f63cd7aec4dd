/** The missions of a repository: listed, and found by the names that people use. */
import { readdirSync } from 'node:fs'
import { ULID_PATTERN } from '../../contracts/event.ts'
import { ProjectError } from '../../errors.ts'
import { META_NAME, readMeta } from './mission-meta.ts'
import { MISSIONS_FOLDER } from './mission-names.ts'
import { isSafeSegment, pathWithoutLinks } from '../files/safe-path.ts'
import type { Mission, Repository } from '../types.ts'

export type MissionListing = {
  /** Sorted by directory name. */
  readonly missions: readonly Mission[]
  readonly unreadable: readonly UnreadableMission[]
}

type UnreadableMission = { readonly directory: string; readonly fault: string }

const MISSION_COUNT_MAX = 10_000

/** All missions of the primary checkout. @throws ProjectError PATH_REFUSED */
export async function listMissions({ root }: Repository): Promise<MissionListing> {
  const missions: Mission[] = []
  const unreadable: UnreadableMission[] = []
  const specs = pathWithoutLinks(root, [MISSIONS_FOLDER])
  for (const directory of missionFolders(specs)) {
    const reading = readMeta(root, directory)
    if (reading.state === 'read') missions.push(reading.mission)
    if (reading.state === 'unusable') unreadable.push({ directory, fault: reading.fault })
  }
  return { missions, unreadable }
}

/**
 * The mission that a directory name, a ULID or a slug that only one mission has stands for.
 *
 * @throws ProjectError MISSION_NOT_FOUND, MISSION_AMBIGUOUS, MISSION_UNREADABLE, PATH_REFUSED
 */
export async function readMission(repository: Repository, reference: string): Promise<Mission> {
  const { root } = repository
  const specs = pathWithoutLinks(root, [MISSIONS_FOLDER])
  // Compared by name, since a file system may take another spelling for the same folder.
  if (missionFolders(specs).includes(reference)) {
    const reading = readMeta(root, reference)
    if (reading.state === 'read') return reading.mission
    if (reading.state === 'unusable') throw unreadableMission(reference, reading.fault)
  }
  const { missions, unreadable } = await listMissions(repository)
  const id = reference.toUpperCase()
  const matches = ULID_PATTERN.test(id)
    ? missions.filter(({ mission_id }) => mission_id === id)
    : missions.filter(({ slug }) => slug === reference)
  if (matches.length > 1) throw ambiguous(matches)
  if (matches[0] !== undefined) return matches[0]
  const damaged = unreadable.find(({ directory }) => directory.slice(0, -9) === reference)
  if (damaged !== undefined) throw unreadableMission(damaged.directory, damaged.fault)
  throw new ProjectError('MISSION_NOT_FOUND', 'no mission answers to this name, slug or id', {
    hint: '`kittiwake mission list` shows the missions of this repository.',
  })
}

/** The mission folders below `kitty-specs`, sorted; those without `meta.json` too. */
export function missionFolders(specs: string): string[] {
  try {
    return readdirSync(specs, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isSafeSegment(entry.name))
      .map(({ name }) => name)
      .sort()
      .slice(0, MISSION_COUNT_MAX)
  } catch {
    return []
  }
}

function unreadableMission(directory: string, fault: string): ProjectError {
  return new ProjectError(
    'MISSION_UNREADABLE',
    `meta.json of the mission can't be used: ${fault}`,
    {
      hint: `Repair ${MISSIONS_FOLDER}/${directory}/${META_NAME}, or restore it with git.`,
    },
  )
}

function ambiguous(matches: readonly Mission[]): ProjectError {
  const names = matches.slice(0, 5).map(({ directory }) => directory)
  return new ProjectError('MISSION_AMBIGUOUS', 'more than one mission answers to this name', {
    hint: `Use the directory name, for example ${names.join(' or ')}.`,
  })
}
