/** Part D of the evaluation set: forty invented machines whose names are hard to tell from other text. */
import type { IdentityLiterals } from '#dist/project/identity-literals.js'
import type { SeededRandom } from './seeded-random.ts'

export type Person = {
  readonly username: string
  readonly name: string
  readonly email: string
  readonly hostname: string
  readonly identity: IdentityLiterals
  /** False where the user name is too short or too common to be looked for by itself. */
  readonly distinct: boolean
}

const HEADS = [
  'quor',
  'vel',
  'tam',
  'brin',
  'osk',
  'zeph',
  'mar',
  'drel',
  'fyn',
  'hul',
  'jasp',
  'nim',
]
const TAILS = ['avik', 'ington', 'owen', 'uska', 'erly', 'amund', 'ifer', 'oltan', 'yndra', 'emir']
const UNICODE = ['jörvik', 'mäläri', 'çelvan', 'žofkar', 'łukvin', 'ñandor']
const COMMON = ['dev', 'a', 'test', 'admin', 'root', 'ubuntu', 'runner', 'node']

export function inventedPeople(random: SeededRandom): Person[] {
  return Array.from({ length: 40 }, (_, index) => inventedPerson(random, index))
}

function inventedPerson(random: SeededRandom, index: number): Person {
  const first = random.pick(HEADS) + random.pick(TAILS)
  const last = random.pick(HEADS) + random.pick(TAILS) + random.text('aeiou', 2)
  const spelled = usernameOf(random, index, first, last)
  const { username, distinct } = spelled
  const name = `${capital(first)} ${capital(last)}`
  const hostname = distinct ? `${last}-box-${index}.lan.example` : 'localhost'
  const email = `${first}.${last}@${random.pick(['mail', 'corp', 'post'])}.example`
  // The repository of some is named like its user: then the name alone says nothing.
  const repository = index % 10 === 9 ? username : 'harbor'
  const home = index % 3 === 2 ? `C:\\Users\\${username}` : `/home/${username}`
  const root = index % 3 === 2 ? `${home}\\src\\${repository}` : `${home}/src/${repository}`
  return {
    username,
    name,
    email,
    hostname,
    distinct: distinct && repository !== username,
    identity: {
      hostnames: [hostname],
      usernames: [username],
      names: [name],
      emails: [email],
      homes: [home],
      roots: [root],
    },
  }
}

function usernameOf(
  random: SeededRandom,
  index: number,
  first: string,
  last: string,
): { username: string; distinct: boolean } {
  if (index < COMMON.length) return { username: COMMON.at(index) as string, distinct: false }
  switch (index % 6) {
    case 0:
      return { username: random.pick(UNICODE) + last, distinct: true }
    case 1:
      return { username: `${first}.${last}`, distinct: true }
    case 2:
      return { username: `${capital(first)} ${capital(last)}`, distinct: true }
    case 3:
      return { username: `${first[0]}${last}`, distinct: true }
    case 4:
      return { username: `${first}_${index}`, distinct: true }
    default:
      return { username: first, distinct: true }
  }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
