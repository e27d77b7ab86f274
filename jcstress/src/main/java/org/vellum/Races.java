package org.vellum;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs races by their ids, as {@code src/docs/races.md} lists them, with the flag that Agrona needs:
 * {@code java -cp jcstress/target/jcstress.jar org.vellum.Races RV1}, or {@code all}; jcstress's own options may follow.
 */
public final class Races {
    private static final Map<String, String> CLASSES = new LinkedHashMap<>();

    static {
        CLASSES.put("RV1", "mapram\\.UnmapAliasesStress");
        CLASSES.put("RV2", "mapram\\.MapAgainstPurgeStress\\.Purge");
        CLASSES.put("RV3", "mapram\\.BlockLifeStress\\.Creation");
        CLASSES.put("RV5", "mapram\\.MapAgainstPurgeStress\\.Purge");
        CLASSES.put("RV6", "mapram\\.BlockLifeStress\\.DoublePurge");
        CLASSES.put("RV9", "vmap\\.AreaStress\\.Publication(ByVmalloc)?");
        CLASSES.put("RV11", "mapram\\.MapAgainstPurgeStress\\.StaleBump");
        CLASSES.put("RV15", "vmap\\.LazyTriggerStress");
        CLASSES.put("RK1", "kmap\\.KmapStackStress");
        CLASSES.put("RK2", "kmap\\.(WaitersStress|WindowWaitsStress|KmapWindowStress\\.(WaiterAgainstUnmap|WaiterAgainstMapper))");
        CLASSES.put("RK3", "kmap\\.KmapWindowStress\\.(TwoMappers|WaiterAgainstMapper|UpgradeAgainstJoin)");
        CLASSES.put("RK4", "kmap\\.KmapWindowStress\\.(UserAgainstFlush|ReuseAgainstNewUser)");
        CLASSES.put("kmap-count", "kmap\\.KmapWindowStress\\.(LastUnmapAgainstNewUser|ReuseAgainstNewUser)");
        CLASSES.put("kmap-flush", "kmap\\.KmapFlushStress");
        CLASSES.put("RP4", "percpu\\.PercpuStress\\.TwoFrees");
        CLASSES.put("RP5", "percpu\\.PercpuStress\\.TwoPopulations");
        CLASSES.put("RP6", "percpu\\.PercpuStress\\.DepopulationAgainstAtomic");
        CLASSES.put("RP7", "percpu\\.PercpuStress\\.DepopulationAgainstFree");
        CLASSES.put("RP8", "percpu\\.PercpuStress\\.PopulationAgainstAtomic");
        CLASSES.put("announce", "epoch\\.AnnounceClearStress");
        CLASSES.put("limbo", "epoch\\.LimboReleaseStress");
        CLASSES.put("limbo-own", "epoch\\.LimboReleaseStress\\.Own");
        CLASSES.put("range-reuse", "vmap\\.RangeReuseStress\\.AgainstReader");
        CLASSES.put("range-give-back", "vmap\\.RangeReuseStress\\.GiveBackAgainstTake");
        CLASSES.put("retirements", "epoch\\.RetirementsStress");
        CLASSES.put("sweeper", "cpu\\.SlotSweeperStress");
        CLASSES.put("nested", "cpu\\.(RehomeAgainstEnter|NestedWhileDisplaced)Stress");
        CLASSES.put("occupancy", "cpu\\.SlotOccupancyStress");
        CLASSES.put("two-unmaps", "mapram\\.DoubleUnmapStress\\.SameAddress");
        CLASSES.put("recycled-block", "mapram\\.DoubleUnmapStress\\.RecycledBlock");
        CLASSES.put("pool", "mapram\\.BlockLifeStress\\.Pool");
        CLASSES.put("two-frees", "vmap\\.AreaStress\\.DoubleFree");
        CLASSES.put("stale-free", "vmap\\.AreaStress\\.StaleFree");
        CLASSES.put("view", "vmap\\.AreaStress\\.(View|Buffer)AgainstUnmap");
        CLASSES.put("atomic-frees", "vmap\\.AreaStress\\.AtomicFreesRace");
        CLASSES.put("index", "vmap\\.AreaIndexStress");
        CLASSES.put("bank", "frame\\.FrameStress");
        CLASSES.put("depot", "frame\\.DepotStress");
        CLASSES.put("run", "frame\\.RunFreeStress");
        CLASSES.put("run-forget", "alloc\\.HeldRunStress\\.(FreeAgainstForget|DeferredAgainstForget)");
        CLASSES.put("run-double-free", "alloc\\.HeldRunStress\\.TwoFrees");
        CLASSES.put("arena-close", "alloc\\.ArenaStress");
        CLASSES.put("buffer-close", "alloc\\.OffHeapBufferStress");
        CLASSES.put("budget-limit", "alloc\\.BudgetStress");
        CLASSES.put("slab-free", "slab\\.SlabFreeStress\\.FreeAgainstAllocation");
        CLASSES.put("slab-last-free", "slab\\.SlabFreeStress\\.(LastFreeAgainstLeave|TwoLastFrees)");
        CLASSES.put("slab-late-free", "slab\\.SlabFreeStress\\.LateFree");
        CLASSES.put("slab-remade", "slab\\.SlabRemadeStress");
        CLASSES.put("slab-claim", "slab\\.SlabClaimStress");
        CLASSES.put("slab-double-free", "slab\\.SlabFreeStress\\.DoubleFree");
        CLASSES.put("slab-drain", "slab\\.SlabFreeStress\\.(Free|Allocation)AgainstDrain");
        CLASSES.put("slab-deferred", "slab\\.SlabDeferredStress");
        CLASSES.put("high-write-back", "kmap\\.HighCacheStress\\.WriteBackAgainstPin");
        CLASSES.put("high-eviction", "kmap\\.HighCacheStress\\.EvictionAgainstPin");
        CLASSES.put("high-miss", "kmap\\.HighCacheStress\\.TwoMisses");
        CLASSES.put("RG3", "mmu\\.SpaceTableStress\\.MarkAgainstProtect");
        CLASSES.put("RG5", "gather\\.MmuGatherStress\\.NestedGathers");
        CLASSES.put("RG11", "gather\\.AddressBatchStress");
        CLASSES.put("space-lock", "lock\\.SleepingLockStress");
        CLASSES.put("space-read", "mmu\\.SpaceAccessStress");
        CLASSES.put("space-store", "mmu\\.SpaceStoreStress");
        CLASSES.put("space-two-faults", "mmu\\.SpaceTableStress\\.TwoFirstFaults");
        CLASSES.put("space-fault", "space\\.FaultStress");
        CLASSES.put("space-file", "space\\.FileStress\\.(StoreAgainstSync|StoreAgainstUnmapAndSync|BrokenTwinWithoutFlush)");
        CLASSES.put("space-file-drop", "space\\.FileStress\\.(GetAgainstDrop|GetAgainstClose|BrokenTwinWithoutUser)");
        CLASSES.put("space-walker", "gather\\.MmuGatherStress\\.WalkerAgainstUnmap");
        CLASSES.put("space-pin", "space\\.PinStress");
        CLASSES.put("space-users", "space\\.UsersStress");
        CLASSES.put("ref-kill", "percpu\\.PerCpuRefStress\\.(KillAgainst|TwoKills|BrokenTwin)");
        CLASSES.put("ref-put", "percpu\\.PerCpuRefStress\\.TwoLastPuts");
        CLASSES.put("all", ".*");
    }

    private Races() {
    }

    /**
     * @param args an id, then options of jcstress's; {@code -m quick} unless another mode is given.
     * @throws Exception what jcstress throws.
     */
    public static void main(final String[] args) throws Exception {
        final String tests = args.length == 0 ? null : CLASSES.get(args[0]);
        if (tests == null) {
            System.err.println((args.length == 0 ? "" : "no such race: " + args[0] + "; ")
                + "usage: Races ID [jcstress options]; ids: " + String.join(" ", CLASSES.keySet()));
            System.exit(2);
        }
        final List<String> options = new ArrayList<>(List.of("-t", "^org\\.vellum\\." + tests,
            "-jvmArgsPrepend", "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED"));
        final List<String> rest = Arrays.asList(args).subList(1, args.length);
        if (!rest.contains("-m")) {
            options.addAll(List.of("-m", "quick"));
        }
        options.addAll(rest);
        org.openjdk.jcstress.Main.main(options.toArray(new String[0]));
    }
}
