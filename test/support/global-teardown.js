export default async function globalTeardown() {
  const { removeStores } = await import('./global-setup.ts');
  await removeStores();
}
