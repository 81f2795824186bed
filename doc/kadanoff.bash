# bash completion of kadanoff; made by `kadanoff help --completion`.
_kadanoff()
{
    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
    local options= words= overrides= commands="run train sample analyse bulk report compare couplings infer generate inpaint sweep demo init list info diagnose help"
    local keys=" seed title data.kind lattice.shape action.name action.components action.beta action.temperature action.epsilon action.couplings action.coupling action.field action.couplings_sha256 action.representation action.form action.t action.mu action.lambda action.m2 action.kappa action.clock action.clock_states action.flux flow.recipe flow.hierarchy flow.kernel flow.repeat flow.depth flow.passes flow.couplings flow.transform flow.widths flow.activation flow.split flow.scale_init flow.zero_last flow.haar flow.rotation flow.level_scale flow.ring flow.spectrum flow.spectrum_mass2 flow.details flow.top flow.generator flow.refinement flow.hidden flow.quartic flow.spectrum_stiffness flow.sources flow.refinements flow.refinements_finest flow.shared flow.rg_layers flow.features flow.time_modes flow.tolerance flow.steps flow.symmetry flow.average flow.translation flow.decimation flow.prior flow.temperature flow.precision family.along family.range family.order family.scale family.strata family.values family.draws family.sample_at train.steps train.batch train.batch_final train.batch_final_fraction train.rate train.rate_final train.warmup train.schedule train.optimiser train.beta1 train.beta2 train.eps train.weight_decay train.precondition_every train.precondition_max train.clip train.clip_absolute train.gradient train.loss train.data train.data_sha256 train.data_set train.data_weight train.symmetrise_last train.kinetic train.jacobian train.ema train.anneal_key train.anneal_start train.anneal_fraction train.from train.from_sha256 train.ladder train.ladder_fractions train.ladder_rate train.eval_every train.eval_samples train.eval_final train.checkpoint_seconds train.patience train.max_nonfinite train.log_every data.source data.dataset data.held_out data.validation data.dequantise data.draws data.block data.components data.source_sha256 data.size data.crop data.crops data.crop_scales data.pad data.flip data.grey data.limit data.seed data.on_error data.cache flow.blocks flow.layers flow.components flow.radius flow.causal flow.window flow.position flow.tint flow.overview flow.reach flow.nets flow.origin train.seconds images.samples images.temperature images.coding images.inpaint images.hole images.sweeps images.receptive images.rows images.attribute images.attribute_images images.outliers images.outlier_images images.latents images.frechet images.fid images.fid_images sample[0].name sample[0].draws sample[0].chains sample[0].burn_in sample[0].tuning sample[0].thin sample[0].start sample[0].keep_first sample[0].store_configs sample[0].store_latents sample[0].batch sample[0].exact sample[0].updates sample[0].kicks sample[0].angle sample[0].step_size sample[0].trajectory sample[0].n_leapfrog sample[0].integrator sample[0].target_acceptance sample[0].sweeps sample[0].overrelaxation sample[0].width sample[0].cluster_moves sample[0].steps sample[0].along sample[0].values sample[0].from sample[0].to sample[0].replicas sample[0].base sample[0].swap_every bulk.configs bulk.sampler bulk.null bulk.bins bulk.noise bulk.normalise bulk.mutual_range bulk.receptive"
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
        return
    fi
    case $command in
        run) options=" --threads --max-hours --wait --out --quiet --help --version" words="yaml" overrides=yes ;;
        train) options=" --threads --max-hours --wait --out --quiet --help --version" words="yaml" overrides=yes ;;
        sample) options=" --threads --max-hours --wait --out --quiet --help --version" words="folder" overrides=yes ;;
        analyse) options=" --threads --max-hours --quiet --help --version" words="folder" ;;
        bulk) options=" --threads --max-hours --quiet --pictures --help --version" words="folder" overrides=yes ;;
        report) options=" --threads --max-hours --out --quiet --help --version" words="folder" ;;
        compare) options=" --help --version" words="folder" ;;
        couplings) options=" --out --quiet --help --version" words="folder" ;;
        infer) options=" --threads --out --quiet --help --version" words="folder" overrides=yes ;;
        generate) options=" --threads --out --quiet --pictures --help --version" words="folder" overrides=yes ;;
        inpaint) options=" --threads --out --quiet --mask --pictures --help --version" words="folder" overrides=yes ;;
        sweep) options=" --threads --max-hours --wait --out --quiet --point --points --pack --json --no-timing --help --version" words="plan|run|slurm|status|table|analyse" overrides=yes ;;
        demo) options=" --threads --max-hours --wait --out --quiet --help --version" words="demos" overrides=yes ;;
        init) options=" --help --version" words="actions" ;;
        list) options=" --markdown --help --version" words="actions|bijectors|transforms|priors|samplers|observables|data|keys|demos" ;;
        info) options=" --help --version" words="folder" ;;
        diagnose) options=" --help --version" words="folder" ;;
        help) options=" --man --completion --help --version" words="commands" ;;
    esac
    local key=
    if [ "$cur" = = ]; then
        key=${COMP_WORDS[COMP_CWORD - 1]} cur=
    elif [ "${COMP_WORDS[COMP_CWORD - 1]}" = = ]; then
        key=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $key in
        data.kind) words="auto field image" ;;
        action.name) words="on-dual phi4 xy" ;;
        action.representation) words="whitened field" ;;
        action.form) words="seed albergo hopping nicoli" ;;
        flow.recipe) words="auto stencil wavelet neuralrg fourier ode custom pixels rgflow realnvp" ;;
        flow.hierarchy) words="mera decimator disentangler conditional ode none" ;;
        flow.transform) words="affine bounded q4t lfa rqs vm circ crqs" ;;
        flow.activation) words="elu tanh silu relu" ;;
        flow.split) words="true false" ;;
        flow.zero_last) words="true false" ;;
        flow.haar) words="true false" ;;
        flow.rotation) words="true false" ;;
        flow.level_scale) words="true false" ;;
        flow.ring) words="true false" ;;
        flow.spectrum) words="none first last" ;;
        flow.details) words="fill wavelet" ;;
        flow.top) words="fill raster" ;;
        flow.generator) words="affine bounded q4t lfa rqs vm circ crqs" ;;
        flow.refinement) words="affine bounded q4t lfa rqs vm circ crqs" ;;
        flow.shared) words="true false" ;;
        flow.rg_layers) words="true false" ;;
        flow.symmetry) words="none mixture equivariant" ;;
        flow.translation) words="true false" ;;
        flow.decimation) words="auto true false" ;;
        flow.prior) words="normal laplace" ;;
        flow.precision) words="single double" ;;
        family.scale) words="linear inverse" ;;
        train.schedule) words="cosine exponential constant plateau" ;;
        train.optimiser) words="soap adam adamw muon" ;;
        train.gradient) words="path plain" ;;
        train.loss) words="reverse likelihood" ;;
        train.ladder) words="auto true false" ;;
        data.flip) words="true false" ;;
        data.grey) words="true false" ;;
        data.on_error) words="refuse skip" ;;
        flow.position) words="true false" ;;
        flow.tint) words="true false" ;;
        flow.overview) words="true false" ;;
        flow.nets) words="auto float bfloat16" ;;
        sample\[*\].name) words="mis direct annealed hmc latent-hmc latent-metropolis metropolis cluster cycle tempering" ;;
        sample\[*\].start) words="prior cold hot" ;;
        sample\[*\].store_latents) words="true false" ;;
        sample\[*\].exact) words="true false" ;;
        sample\[*\].integrator) words="leapfrog omelyan" ;;
        sample\[*\].base) words="metropolis hmc cluster" ;;
        bulk.normalise) words="true false" ;;
    esac
    if [ -n "$key" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
    fi
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi
    if [ -n "$overrides" ] && [ "$COMP_CWORD" -gt 2 ]; then
        mapfile -t COMPREPLY < <(compgen -S = -W "$keys" -- "$cur")
        compopt -o nospace 2>/dev/null
        return
    fi
    case $words in
        yaml) mapfile -t COMPREPLY < <(compgen -f -X '!*.yaml' -- "$cur"
            compgen -d -- "$cur") ;;
        folder) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
        demos|actions) mapfile -t COMPREPLY < <(compgen -W "$(kadanoff list $words 2>/dev/null |
            awk '{print $1}')" -- "$cur") ;;
        commands) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "${words//|/ }" -- "$cur") ;;
    esac
}
complete -o filenames -F _kadanoff kadanoff
