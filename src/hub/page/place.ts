/** Where the page is: in the address, so that a reload and a bookmark lead to the same. */

export const TABS = ['boards', 'decisions', 'commits', 'stream', 'glossary', 'activity'] as const
export type Tab = (typeof TABS)[number]

export type Place = {
  readonly project: string | null
  readonly tab: Tab
  readonly mission: string | null
}

export function placeInAddress(): Place {
  const [, project = '', tab = '', mission = ''] = location.hash.split('/')
  return {
    project: /^[0-9a-f-]{36}$/.test(project) ? project : null,
    tab: TABS.find((one) => one === tab) ?? 'boards',
    mission: /^[\w.-]{1,128}$/.test(mission) ? mission : null,
  }
}

export function putInAddress({ project, tab, mission }: Place): void {
  const parts = project === null ? [] : [project, tab, ...(mission === null ? [] : [mission])]
  history.replaceState(null, '', `#/${parts.join('/')}`)
}
